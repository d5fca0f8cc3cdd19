import type { ActivityType } from '@muster/protocol';
import type { Transport } from '#gallery/model';
import type { Auth } from '#kernel/auth';
import type { Clock, Limits, Random } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import type { Outbound } from '#kernel/outbound';
import type { Queue } from '#kernel/queue';
import type { Telemetry } from '#kernel/telemetry';
import type { AnswerBounds } from './limits.ts';

/** What the settings say of targets. */
export type TargetsConfig = Partial<AnswerBounds> & {
  /** FLOIMG_API_URL: makes the target `floimg` of the default project. */
  floimgUrl?: string | undefined;
  floimgToken?: string | undefined;
  floimgBotSecret?: string | undefined;
  /** MUSTER_GALLERY_ACK_HOST: the operator answers for the gallery at this host. */
  ackHost?: string | undefined;
  /** Of this program, for the user agent. */
  version: string;
};

/** A row of the feed; the room brings it to its streams. */
export type Told = {
  projectId: string;
  botId: string | null;
  botName: string | null;
  personaId: string | null;
  type: ActivityType;
  message: string;
  at: number;
  data?: { targetId?: string; reason?: string };
};

export type TargetsDeps = {
  db: Db;
  queue: Queue;
  auth: Auth;
  clock: Clock;
  random: Random;
  outbound: Outbound;
  limits: Limits;
  telemetry: Pick<Telemetry, 'logger' | 'metrics'>;
  secrets: { seal(plain: Uint8Array): Buffer; open(sealed: Uint8Array): Buffer };
  config: TargetsConfig;
  /** A drawing as a PNG: galleries that take uploads may refuse SVG, which can carry more than a picture. */
  pngOf(svg: string): Promise<Uint8Array>;
  /** Straight into the gallery of this process. */
  sandbox(projectId: string): Transport;
  /** The loop's: shuts or opens the gate of a target. */
  setGate(
    projectId: string,
    targetId: string,
    state: 'open' | 'held',
    by: string,
    reason: string | null,
  ): Promise<void>;
  /** After the commit of what moved bots by themselves. */
  botsChanged(projectId: string, botIds: readonly string[]): Promise<unknown>;
  /** After the commit of a change to a target. */
  targetChanged(projectId: string, targetId: string): Promise<unknown>;
  tell(tx: Tx, rows: readonly Told[]): void;
  emit(
    tx: Tx,
    events: readonly {
      projectId: string;
      type: 'gallery.target.acknowledged' | 'gallery.bot.purged' | 'gallery.bot.failed';
      targetId: string;
      botId?: string;
      reason?: string;
    }[],
  ): void;
};
