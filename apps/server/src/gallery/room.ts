import type { GalleryEventType } from '@muster/protocol';
import type { LiveLoop } from '#gallery/loop';
import type { Minds } from '#gallery/minds';
import type { Sandbox } from '#gallery/sandbox';
import type { Targets } from '#gallery/targets';
import type { Principal } from '#kernel/auth';
import type { Clock, SimClock } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { GalleryDeps } from './deps.ts';
import type { GalleryMetrics } from './metrics.ts';
import type { NewActivity } from './queries/activity.ts';

/** Something that happened, for webhooks, counters and the log of the server. */
export type GalleryEmission = {
  projectId: string;
  type: GalleryEventType;
  botId?: string;
  targetId?: string;
  reason?: string;
  /** Of an act. */
  kind?: string;
  /** How many bots it is about, when it is not one. */
  count?: number;
  data?: Readonly<Record<string, unknown>>;
};

/** Who asks, and where from, for the audit. */
export type Asker = { who: Principal; address: string; requestId: string };

/**
 * What operations of this room work with: what came from outside, and the room's own parts. `index.ts` puts it together;
 * operations take it as their first argument.
 */
export type Room = Omit<GalleryDeps, 'minds' | 'targets' | 'sandbox'> & {
  /** The gallery's own time: usually real, held while a day is simulated. */
  readonly clock: SimClock;
  readonly realClock: Clock;
  readonly loop: LiveLoop;
  /** After rows of memory were changed by others than a think; without an id: of all bots. */
  forget(botId?: string): void;
  readonly minds: Minds;
  readonly targets: Targets;
  readonly metrics: GalleryMetrics;
  /** In the transaction of what happened: rows of the feed. They reach the stream right after commit, in order. */
  tell(tx: Tx, rows: readonly NewActivity[]): void;
  /** After the commit of rows that another statement wrote. */
  told(projectId: string): void;
  /** In the transaction of what happened: counted, logged and handed to webhooks after its commit. */
  emit(tx: Tx, events: readonly GalleryEmission[]): void;
  /** Of posts of people in the sandbox: the share that a bot answered, and how soon in the median; `null` when that is not known. */
  answeredPeople(window: {
    projectId: string;
    from: Date;
    to: Date;
  }): Promise<{ peoplesPostsAnswered: number | null; firstAnswerMsMedian: number | null }>;
  /** Acts in the sandbox by people and by bots, over the whole UTC days of a window (epoch ms). */
  sandboxActs: Sandbox['actsByOrigin'];
  /** Resolves when all that was told of the project lies in its stream. */
  published(projectId: string): Promise<void>;
  /** Rows every project needs are there: fleet, sandbox, built-in personas. */
  ready(projectId: string): Promise<void>;
};
