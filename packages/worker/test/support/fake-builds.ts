import { createHash, randomBytes } from 'node:crypto';
import {
  type AppendLog,
  buildLimits,
  type Diagnostics,
  type Fail,
  type Heartbeat,
  type Instruction,
  type Job,
  type Result,
} from '@muster/protocol';
import { newId } from './new-id.ts';

export type FakeBuild = {
  job: Job;
  state: 'queued' | 'assigned' | 'running' | 'cancelling' | 'succeeded' | 'failed' | 'cancelled';
  source: Buffer;
  certs: object | undefined;
  log: AppendLog['lines'];
  artifacts: Map<string, { id: string; name: string; data: Buffer }>;
  result: Result | undefined;
  failure: Fail['failure'] | undefined;
  abandoned: string[];
  notes: Heartbeat['leases'];
};
export type FakeUpload = { id: string; size: number; data: Buffer; state: 'open' | 'complete' | 'used' };

/** What a test says of a build it submits. */
export type Submit = {
  source?: Buffer;
  format?: Job['source']['format'];
  command?: string;
  task?: string;
  env?: Record<string, string>;
  secretEnv?: Record<string, string>;
  maxRunMs?: number;
  expects?: 'artifact' | 'nothing';
  certs?: object;
  artifactBytesMax?: number;
  id?: string;
};

/** The rows of the fake server: just enough of the state machine to tell right from wrong calls. */
export class FakeBuilds {
  readonly builds = new Map<string, FakeBuild>();
  readonly uploads = new Map<string, FakeUpload>();
  readonly diagnostics: Diagnostics[] = [];
  readonly workerToken = `wkt_${randomBytes(16).toString('hex')}`;
  heartbeatEveryMs = 500;
  draining: Extract<Instruction, { kind: 'drain' }> | undefined;
  unregistered = 0;
  logLinesMax = Number.POSITIVE_INFINITY;

  submit(submit: Submit): FakeBuild {
    const id = submit.id ?? newId('bld');
    const source = submit.source ?? Buffer.alloc(0);
    const job: Job = {
      build: {
        id,
        term: 0,
        name: null,
        platform: 'linux',
        requires: {},
        tags: {},
        task: submit.task ?? null,
        command: submit.command ?? null,
        expects: submit.expects ?? 'nothing',
      },
      source: {
        url: `/v1/builds/${id}/source`,
        sha256: createHash('sha256').update(source).digest('hex'),
        sizeBytes: source.length,
        format: submit.format ?? 'tar.gz',
      },
      certs: submit.certs ? { url: `/v1/builds/${id}/certs` } : null,
      env: submit.env ?? {},
      secretEnv: submit.secretEnv ?? {},
      lease: { until: new Date().toISOString(), ttlMs: 30_000, heartbeatEveryMs: this.heartbeatEveryMs },
      limits: {
        maxRunMs: submit.maxRunMs ?? 60_000,
        artifactBytesMax: submit.artifactBytesMax ?? buildLimits.artifactBytesMax,
        logBytesMax: buildLimits.logBytesMax,
      },
      token: '',
      previous: [],
    };
    const build: FakeBuild = {
      job,
      state: 'queued',
      source,
      certs: submit.certs,
      log: [],
      artifacts: new Map(),
      result: undefined,
      failure: undefined,
      abandoned: [],
      notes: [],
    };
    this.builds.set(id, build);
    return build;
  }

  /** A queued build for the worker, or an assigned one that it does not know of. */
  claim(held: readonly { buildId: string; term: number }[]): Job | undefined {
    const holds = (build: FakeBuild): boolean =>
      held.some((lease) => lease.buildId === build.job.build.id && lease.term === build.job.build.term);
    for (const build of this.builds.values()) {
      if ((build.state === 'running' || build.state === 'cancelling') && !holds(build)) this.requeue(build);
    }
    for (const build of this.builds.values()) if (build.state === 'assigned' && !holds(build)) return build.job;
    for (const build of this.builds.values()) {
      if (build.state !== 'queued') continue;
      const term = build.job.build.term + 1;
      build.job = {
        ...build.job,
        build: { ...build.job.build, term },
        token: `bld_${randomBytes(16).toString('hex')}`,
      };
      build.state = 'assigned';
      build.log = [];
      return build.job;
    }
    return undefined;
  }

  requeue(build: FakeBuild): void {
    build.state = build.state === 'cancelling' ? 'cancelled' : 'queued';
  }

  /** Undefined when the worker still holds it, else why it does not. */
  lostReason(buildId: string, term: number): string | undefined {
    const build = this.builds.get(buildId);
    if (!build) return 'unknown_build';
    if (build.job.build.term !== term) return 'stale_term';
    return build.state === 'assigned' || build.state === 'running' || build.state === 'cancelling'
      ? undefined
      : 'finished';
  }

  instructions(leases: readonly { buildId: string; term: number }[]): Instruction[] {
    const cancels = leases.flatMap(({ buildId, term }): Instruction[] =>
      this.builds.get(buildId)?.state === 'cancelling'
        ? [{ kind: 'cancel', buildId, term, reason: 'user', graceMs: 30_000 }]
        : [],
    );
    return this.draining ? [...cancels, this.draining] : cancels;
  }
}
