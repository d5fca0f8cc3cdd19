/** What a witness of the log remembers of each stream that was asked for. */

export type Attempt = {
  path: string;
  texts: string[];
  producer?: { id: string; epoch: number; seq: number };
  state: 'unknown' | 'stored' | 'refused';
  at?: { era: number; firstSeq: number };
  ask?: number;
};
export type Incarnation = {
  path: string;
  streamNo?: number;
  state: 'unknown' | 'there';
  removal: 'none' | 'asked' | 'done';
  close: 'none' | 'asked' | 'done';
  attempts: Attempt[];
  /** Its oldest messages may be trimmed. */
  trims: boolean;
  /** A lifetime, and when it was last used at the earliest and at the latest. */
  ttl?: { ms: number; usedFrom: number; usedTo: number; using: number };
  /** What a fork began with. */
  fork?: { source: Incarnation; inherited: string[] };
  /** When its creation was asked for, by the ticks of its world. */
  began: number;
};

/** A configuration asked for, by a number that shows in it, and when, by the ticks of its world. */
export type Change = {
  number: number;
  began: number;
  ended: number;
  outcome: 'unknown' | 'stored' | 'refused';
  /** The stream that took it, when it was acknowledged. */
  streamNo?: number;
};

export const made = (path: string, began: number): Incarnation => ({
  path,
  state: 'unknown',
  removal: 'none',
  close: 'none',
  attempts: [],
  trims: path.startsWith('kept'),
  began,
});

export function nextProducer(stream: Incarnation): { id: string; epoch: number; seq: number } {
  // One producer per stream, one request at a time: the next seq follows the last one that may be stored.
  const known = stream.attempts.filter((attempt) => attempt.producer && attempt.state !== 'refused').length;
  return { id: 'sim', epoch: 0, seq: known };
}
