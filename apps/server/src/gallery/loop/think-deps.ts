import type { ActivityData, ActivityType, GalleryEventType } from '@muster/protocol';
import type { Minds } from '#gallery/minds';
import type { BotRow, DrawScene, EffectiveTraits, FleetRow, PersonaRow, Publication, TargetRow } from '#gallery/model';
import type { TargetClient } from '#gallery/targets';
import type { Clock } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import type { Budgets, Meter } from '#kernel/meter';
import type { Telemetry } from '#kernel/telemetry';

/** A row of the feed, before it has its place there. */
export type Happening = {
  id: string;
  projectId: string;
  botId: string | null;
  botName: string | null;
  personaId: string | null;
  type: ActivityType;
  /** At most 1 000 characters. */
  message: string;
  at: number;
  thoughtId?: string;
  data?: ActivityData;
};

/** What webhooks and counters hear. */
export type Emitted = {
  projectId: string;
  type: GalleryEventType;
  botId?: string;
  targetId?: string;
  reason?: string;
  kind?: string;
  data?: Readonly<Record<string, unknown>>;
};

/** What rows say now, answered from memory. */
export type ThinkView = {
  fleet(projectId: string): FleetRow | undefined;
  target(projectId: string, targetId: string): TargetRow | undefined;
  persona(projectId: string, personaId: string): PersonaRow | undefined;
  traitsOf(bot: BotRow): EffectiveTraits;
};

type Picture = Publication['image'];
type Counter<Label extends string> = { add(labels: Readonly<Record<Label, string>>): void };

/** What an operator may move of thinking: how old a view may be, and how much a bot remembers. */
export type ThinkBounds = {
  feedFreshMs: number;
  feedStaleMs: number;
  memoryPerBotMax: number;
  relationsPerBotMax: number;
};

/** Everything the thinking half needs from outside the folder. */
export type ThinkingDeps = {
  db: Db;
  clock: Clock;
  telemetry: Pick<Telemetry, 'logger' | 'metrics'>;
  view: ThinkView;
  budgets: Pick<Budgets, 'reserve' | 'settle' | 'release' | 'show'>;
  /** What is used is written beside what it was used for. Without it nothing is counted: previews, tests. */
  meter?: Pick<Meter, 'record'>;
  minds: Pick<Minds, 'mind' | 'paintImage' | 'imageBound' | 'imageProvider'>;
  targets: { of(projectId: string, targetId: string): Promise<TargetClient> };
  draw: DrawScene;
  pictures: {
    /** A picture as a blob of ours, before anything is said of it to a target; the same bytes are the same blob. */
    store(picture: { bytes: Uint8Array; mimeType: Picture['mimeType'] }): Promise<Picture>;
    /** One that was stored earlier. */
    again(stored: Omit<Picture, 'bytes'>): Picture;
  };
  /** Where people see a bot on its target: what a `qr` of it says. */
  profileUrl(target: TargetRow, username: string): string;
  /** Activity rows with this transaction; they reach the streams after its commit. */
  tell(tx: Tx, rows: readonly Happening[]): void;
  emit(tx: Tx, events: readonly Emitted[]): void;
  counts: {
    thinks: Counter<'result'>;
    actions: Counter<'kind' | 'outcome' | 'origin'>;
    skips: Counter<'reason'>;
    guards: Counter<'reason'>;
  };
  /** The limits of the protocol where it says nothing. */
  bounds?: Partial<ThinkBounds>;
  /** Who holds reservations of this process. */
  nodeId: string;
  /** Under a simulated clock: whatever has an effect happens one after the other, so the same seed gives the same day. */
  ordered: boolean;
};
