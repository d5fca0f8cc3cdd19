import type { Cause, Settings } from './head.ts';

/* What frames say in their notes about the life and the content of a stream. Those of a birth are in `birth.ts`. */

/** `remove`: with `kept` it is hidden for its forks; a second one follows when the last of them is gone. */
export type Removed = { cause: Cause; kept?: true };

/** `retain`: the whole configuration from here on. */
export type Configured = Settings & { version: number };

/** `ref`, on the source: a stream with this number will be forked from it. */
export type Referred = { fork: number };

/** `supersede`, from its first position on: a later message tells this range again; or the `bytes` of one may go now. */
export type SupersedeNote = { to: number; by: number } | { to: number; bytes: number };

/** `erase`: its messages stand in the place of these positions, and the stream has grown by `bytes`. */
export type EraseNote = { seqs: number[]; bytes: number };
