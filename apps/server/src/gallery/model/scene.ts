import type { SceneFamily } from '@muster/protocol';

/** Something that is truly in the picture, to be talked about: a short noun phrase in small letters, such as `red buoy`. */
export type Fact = { kind: 'thing' | 'place' | 'colour' | 'weather' | 'time' | 'number' | 'word'; text: string };

export type Scene = {
  /** UTF-8, at most `sceneBytesMax`; allow-listed elements and attributes only. */
  svg: string;
  facts: readonly Fact[];
  /** One sentence that says what is to be seen; no more than 18 words. */
  alt: string;
  /** Hex colours, most used first. */
  palette: readonly string[];
  elements: number;
  family: SceneFamily;
  seed: number;
  engineVersion: number;
};

export type SceneOrder = {
  family: SceneFamily;
  /** uint32 */
  seed: number;
  /** Words that people or minds wrote; never copied into the drawing but as escaped text. */
  prompt: string;
  /** What a `qr` says: the bot's own item or profile. */
  url?: string;
};
/** Same order, same bytes, on every machine. */
export type DrawScene = (order: SceneOrder) => Scene;
