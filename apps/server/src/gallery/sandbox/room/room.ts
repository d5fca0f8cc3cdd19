import type { Act, Acted } from './act-shape.ts';
import type { Changes } from './changes.ts';
import type { SandboxDeps } from './deps.ts';
import type { FaultDesk } from './fault-desk.ts';
import type { Feeds } from './feeds.ts';
import type { GatheredActs } from './gathered-acts.ts';
import type { Pictures } from './pictures.ts';
import type { Rules } from './rules.ts';
import type { Views } from './views.ts';

/** What operations of this gallery work with; `index.ts` puts it together. */
export type SandboxRoom = SandboxDeps & {
  readonly changes: Changes;
  readonly faults: FaultDesk;
  readonly feeds: Feeds;
  readonly pictures: Pictures;
  readonly rules: Rules;
  readonly views: Views;
  /** Acts that come at once share a transaction; absent: each has its own. */
  readonly together?: GatheredActs<Act, Acted> | undefined;
};
