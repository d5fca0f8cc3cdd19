import type { AccountRow } from '../queries/accounts.ts';
import type { ActorRow, MetItem, NewLike } from '../queries/acts.ts';
import type { NewComment } from '../queries/comments.ts';
import type { StoredImage } from '../queries/images.ts';
import type { NewItem } from '../queries/items.ts';
import type { Refused, SandboxAnswer } from './answers.ts';
import type { Change } from './changes.ts';

export type ActKind = 'post' | 'comment' | 'like';
/** What an act writes. */
export type Write =
  | { like: NewLike }
  | { unlike: NewLike }
  | { comment: NewComment }
  | { image: StoredImage & { at: Date } }
  | { item: NewItem };
/** What an act amounts to: its answer, what is written, whether it counts against budgets, and what to tell. */
export type Done = { status: number; value: unknown; counts: boolean; writes: readonly Write[]; change?: Change };

export type Act = {
  projectId: string;
  account: AccountRow;
  kind: ActKind;
  /** What it is about; absent for a post. What it must know of it is asked together with who acts. */
  itemId?: string;
  at: Date;
  /** `Idempotency-Key`, when one came; with what makes two calls the same. */
  key: string | undefined;
  digest: string;
  /** Decides; throws `Refused`. `met` is missing for a post, and when the item is gone. */
  body(actor: ActorRow, met: MetItem | undefined): Done;
};

export type Acted = { answer: SandboxAnswer | Refused; change?: Change; counted?: boolean; byPerson?: boolean };
