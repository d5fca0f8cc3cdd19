/** One message that waits to be safe on the server. */
export type Entry = {
  readonly id: number;
  /** As it is sent; JSON as text. */
  readonly message: string | Uint8Array;
  /** Of the stream; the same for all entries of an outbox. */
  readonly contentType: string;
  /** The caller's own word for how far its input was taken. */
  readonly mark?: string | undefined;
};

/** A request that went out, or is about to: the first `count` entries under this number. */
export type Sending = { readonly epoch: number; readonly seq: number; readonly count: number };

/** What an earlier process left behind. */
export type Kept = {
  readonly entries: readonly Entry[];
  /** It may have arrived or not: it is sent again as it was, which the server tells from a new one. */
  readonly sending: Sending | undefined;
  /** The newest epoch this outbox was used with. */
  readonly epoch: number | undefined;
  /** Of the stream, if anything was ever kept. */
  readonly contentType: string | undefined;
  /** Of the newest entry that had one, sent or not. */
  readonly mark: string | undefined;
};

/**
 * Where a producer keeps what is not safe on the server yet. What a call did is kept when it resolves, in memory or on a
 * disk, as the store promises. Calls come one after the other, never two at a time.
 */
export interface Outbox {
  /** What it keeps outlives this process. */
  readonly lasting: boolean;
  /** Takes it for one producer of one stream. `conflict`: `outbox_in_use`, `outbox_differs`. */
  open(name: string): Promise<Kept>;
  add(entries: readonly Entry[]): Promise<void>;
  /** Before the request goes out: whoever comes after a crash must know under which number it went. */
  assign(sending: Sending): Promise<void>;
  /** The first `count` entries are safe; nothing is being sent. */
  settle(count: number): Promise<void>;
  close(): Promise<void>;
}

export const nothingKept: Kept = {
  entries: [],
  sending: undefined,
  epoch: undefined,
  contentType: undefined,
  mark: undefined,
};

/** Keeps nothing beyond the process: the producer itself holds what it sends. */
export function memoryOutbox(): Outbox {
  const nothing = async (): Promise<void> => undefined;
  const open = async (): Promise<Kept> => nothingKept;
  return { lasting: false, open, add: nothing, assign: nothing, settle: nothing, close: nothing };
}
