import { buildLimits } from '@muster/protocol';
import { RateBuckets } from '#kernel/auth';
import { type Clock, conflict, exhausted, type Limit, unavailable } from '#kernel/base';
import type { BlobStore } from '#kernel/blobs';
import type { BuildsDeps } from './deps.ts';
import { KnownDemands } from './find-demand.ts';
import { Gate } from './gate.ts';
import type { BuildsConfig } from './limits.ts';

/** Bundles that may lie unpacked in memory at once. */
const certsReadsMax = 4;
const certsWaitingMax = 64;
const callersMax = 10_000;
/** Room that must stay free beyond what a body says it will take. */
const freeBytesBeyond = 2 ** 30;
const diskLookEveryMs = 250;
const diskRetryMs = 30_000;

/** What is asked before a body is read at all: pace, disk; and the gate for what needs memory. Counts nothing that rows count. */
export class Intake {
  readonly certsGate = new Gate({ reason: 'certs_busy', most: certsReadsMax, waitingMax: certsWaitingMax });
  readonly demands = new KnownDemands();
  readonly #blobs: BlobStore;
  readonly #clock: Clock;
  readonly #config: BuildsConfig;
  readonly #submits: RateBuckets;
  readonly #appending = new Set<string>();
  #disk: { free: number | undefined; at: number } | undefined;

  constructor(deps: Pick<BuildsDeps, 'blobs' | 'clock' | 'config'>) {
    this.#blobs = deps.blobs;
    this.#clock = deps.clock;
    this.#config = deps.config;
    this.#submits = new RateBuckets({
      perSecond: deps.config.submitsPerSecond,
      burst: deps.config.submitsBurst,
      keysMax: callersMax,
      clock: deps.clock,
    });
  }

  /** One submit of this caller. `exhausted` `rate`. */
  takeSubmit(caller: string): void {
    const taken = this.#submits.take(caller);
    if (taken.ok) return;
    throw exhausted('rate', `More than ${this.#config.submitsPerSecond} submits per second.`, {
      retryAfterMs: taken.resetMs,
    });
  }

  /** Room for `bytes` more. `unavailable` `disk_low`. A store without a number always has room. */
  async checkDisk(bytes: number): Promise<void> {
    const free = await this.#freeBytes();
    if (free === undefined || (free >= this.#config.freeBytesMin && free >= bytes + freeBytesBeyond)) return;
    throw unavailable('disk_low', 'The server has too little disk space for new files.', { retryAfterMs: diskRetryMs });
  }

  /** One append or completion per upload at a time: its offset is asked and then relied on. `conflict` `upload_busy`. */
  async alone<T>(uploadId: string, work: () => Promise<T>): Promise<T> {
    if (this.#appending.has(uploadId))
      throw conflict('upload_busy', 'Another request is writing to this upload right now.');
    this.#appending.add(uploadId);
    try {
      return await work();
    } finally {
      this.#appending.delete(uploadId);
    }
  }

  async #freeBytes(): Promise<number | undefined> {
    const now = this.#clock.monotonic();
    if (!this.#disk || now - this.#disk.at >= diskLookEveryMs)
      this.#disk = { free: await this.#blobs.freeBytes(), at: now };
    return this.#disk.free;
  }
}

export function createIntake(deps: Pick<BuildsDeps, 'blobs' | 'clock' | 'config' | 'limits'>): Intake {
  const intake = new Intake(deps);
  declareLimits(deps, intake);
  return intake;
}

/** What bounds submits and files, for `GET /v1/limits`. */
function declareLimits({ limits, config }: Pick<BuildsDeps, 'config' | 'limits'>, intake: Intake): void {
  const bound = (
    name: string,
    unit: Limit['unit'],
    value: number,
    setting: string | undefined,
    whenFull: string,
    used?: () => number,
  ): void =>
    void limits.add({
      name: `builds.${name}`,
      unit,
      value,
      whenFull,
      ...(setting ? { setting: `MUSTER_BUILDS_${setting}` } : {}),
      ...(used ? { used } : {}),
    });
  bound(
    'sourceBytes',
    'bytes',
    config.sourceBytesMax,
    'SOURCE_BYTES_MAX',
    'A larger source is refused with 413 source_too_large.',
  );
  bound(
    'certsBytes',
    'bytes',
    config.certsBytesMax,
    'CERTS_BYTES_MAX',
    'A larger bundle is refused with 413 certs_too_large.',
  );
  bound(
    'artifactBytes',
    'bytes',
    config.artifactBytesMax,
    'ARTIFACT_BYTES_MAX',
    'A larger artifact is refused with 413 artifact_too_large.',
  );
  bound(
    'artifactsBytes',
    'bytes',
    config.artifactsBytesMax,
    'ARTIFACTS_BYTES_MAX',
    'Further artifacts of the build get 429 artifacts_full.',
  );
  bound(
    'artifactsPerBuild',
    'count',
    buildLimits.artifactsPerBuildMax,
    undefined,
    'Further artifacts of the build get 429 artifacts_full.',
  );
  bound(
    'chunkBytes',
    'bytes',
    config.chunkBytesMax,
    'CHUNK_BYTES_MAX',
    'A larger piece of an upload is refused with 413.',
  );
  bound(
    'uploadsOpen',
    'count',
    config.uploadsOpenMax,
    'UPLOADS_OPEN_MAX',
    'Further uploads of the project get 429 uploads_full.',
  );
  bound('queued', 'count', config.queuedMax, 'QUEUED_MAX', 'Further builds of the project get 429 queue_full.');
  bound(
    'keyBacklog',
    'count',
    buildLimits.keyBacklogMax,
    undefined,
    'Further builds of the key get 429 key_backlog_full.',
  );
  bound(
    'demands',
    'count',
    buildLimits.demandsPerProjectMax,
    undefined,
    'An idle label set gives way; with none idle 429 demands_full.',
  );
  bound(
    'storedBytes',
    'bytes',
    config.storedBytesMax,
    'STORED_BYTES_MAX',
    'Further files of the project get 429 storage_full.',
  );
  bound(
    'submits',
    'perSecond',
    config.submitsPerSecond,
    'SUBMITS_PER_SECOND',
    'Further submits of the key get 429 rate.',
  );
  bound(
    'freeBytes',
    'bytes',
    config.freeBytesMin,
    'FREE_BYTES_MIN',
    'With less disk free, files are refused with 503 disk_low.',
  );
  bound(
    'certsReads',
    'count',
    certsReadsMax,
    undefined,
    'Further readers wait their turn.',
    () => intake.certsGate.running,
  );
  bound(
    'bulk',
    'count',
    buildLimits.bulkMax,
    undefined,
    'A bulk action that matches more is refused with 400 too_many.',
  );
}
