import type {
  BuildsOverview,
  ConfigAnswer,
  FeedArea,
  GalleryOverview,
  LatestFailure,
  LongWait,
  Money,
  NeedsPerson,
  PartState,
  Resolved,
} from '@muster/protocol';
import type { Auth } from '#kernel/auth';
import type { Clock, Limits } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Log } from '#kernel/log';
import type { Queue } from '#kernel/queue';
import type { Telemetry } from '#kernel/telemetry';
import type { Pulse } from './pulse.ts';

/** A piece of the past in steps of equal length; the last one holds the present. */
export type StepWindow = { from: Date; stepMs: number; steps: number };

/** What each capability answers about one project; whether the caller may know is decided before. */
type Glance<Overview> = {
  overview(projectId: string, window: StepWindow): Promise<Omit<Overview, 'costToday'>>;
  needsPerson(projectId: string, longest: readonly LongWait[]): Promise<NeedsPerson[]>;
  failures(projectId: string, limit: number): Promise<LatestFailure[]>;
  find(projectId: string, text: string, limit: number): Promise<Resolved[]>;
  resolve(projectId: string, id: string): Promise<Resolved | undefined>;
};
export type BuildsDesk = Glance<BuildsOverview> & {
  waits(projectId: string, limit: number): Promise<LongWait[]>;
  firsts(projectId: string): Promise<{ worker: boolean; build: boolean }>;
};
export type GalleryDesk = Glance<GalleryOverview> & { hasBot(projectId: string): Promise<boolean> };

export type DatabaseFacts = {
  kind: 'embedded' | 'external';
  described: string;
  healthy(): boolean;
  pool(): { busy: number; idle: number; waiting: number };
  poolMax: number;
};

/** How one part of this node is, from memory. */
export type PartFact = { name: string; state: PartState; detail: string; whatToDo: string | null };

/** Everything this room needs from outside; `compose.ts` hands it over. */
export type RunningDeps = {
  db: Db;
  log: Log;
  auth: Auth;
  queue: Queue;
  clock: Clock;
  limits: Limits;
  telemetry: Telemetry;
  pulse: Pulse;
  node: { name: string; version: string; dataDir: string; url: () => string };
  database: DatabaseFacts;
  builds: BuildsDesk;
  gallery: GalleryDesk;
  /** What today cost since the local midnight of `tz`, by area. `invalid` for a zone that is none. */
  costToday(
    projectId: string,
    tz: string,
  ): Promise<{ total: Money; yesterday: Money } & Record<Extract<FeedArea, 'builds' | 'gallery'>, Money>>;
  parts(): readonly PartFact[];
  /** Open sockets and requests being worked on. */
  edge(): { sockets: number; inFlight: number };
  config: () => ConfigAnswer;
  /** The data is made up. */
  demo: boolean;
  /** A second between two samples; tests take other times. */
  sampleEveryMs?: number;
};
