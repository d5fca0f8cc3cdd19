import type { Tx } from '#kernel/db';
import type { AccountRow } from '../queries/accounts.ts';
import type { ActorRow } from '../queries/acts.ts';
import type { Refused, SandboxAnswer } from './answers.ts';
import type { Change } from './changes.ts';

export type ActKind = 'post' | 'comment' | 'like';
/** What an act amounts to: its answer, whether it counts against budgets, and what to tell. */
export type Done = { status: number; value: unknown; counts: boolean; change?: Change };

export type Act<L> = {
  projectId: string;
  account: AccountRow;
  kind: ActKind;
  /** What others may act on at the same time. */
  itemId?: string;
  at: Date;
  /** `Idempotency-Key`, when one came; with what makes two calls the same. */
  key: string | undefined;
  digest: string;
  /** What it must know; asked together with who acts. */
  look(tx: Tx): Promise<L>;
  /** Decides and sends what is to be written, which travels with the commit. */
  body(tx: Tx, actor: ActorRow, seen: L): Done;
};

export type Acted = { answer: SandboxAnswer | Refused; change?: Change; counted?: boolean; byPerson?: boolean };
/** Each act knows what it looked at; whoever holds several need not. */
export type AnyAct = Act<unknown>;
