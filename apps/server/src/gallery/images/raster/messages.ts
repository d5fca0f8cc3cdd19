/** What is asked of a thread. `redraw` draws a decoded picture anew, so that nothing but its pixels stays. */
export type ToThread =
  | { id: number; kind: 'draw'; svg: string; width: number }
  | {
      id: number;
      kind: 'redraw';
      bytes: Uint8Array;
      mimeType: string;
      size: Size;
      orientation: number;
      sideMax: number;
    };
export type FromThread =
  | { id: number; ok: true; png: Uint8Array; width: number; height: number }
  | { id: number; ok: false; why: 'empty' | 'failed'; detail: string };

export type Size = { width: number; height: number };
