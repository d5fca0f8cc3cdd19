/** A queue as the bench sees it: the same no-op handler everywhere. */
export type Peer = {
  name: string;
  /** What it guarantees, in a few words: a number means little without. */
  promises: string;
  /** Puts many jobs in with the fastest call it has. */
  enqueue(count: number): Promise<void>;
  /** Starts to take jobs; `onJob` is called by each handler. */
  work(onJob: () => void): Promise<{ enqueueOne(): Promise<void>; stop(): Promise<void> }>;
  /** Unfinished jobs in the store. */
  left(): Promise<number>;
  close(): Promise<void>;
};
