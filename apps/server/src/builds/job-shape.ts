import type { Job } from '@muster/protocol';
import { z } from 'zod';
import type { Auth } from '#kernel/auth';
import { must } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { type JobFacts, jobFacts } from './queries/claim.ts';
import type { Room } from './room.ts';

/** A held build whose job could not be put together: its secrets do not open. */
export type BrokenJob = { buildId: string; workerId: string; term: number; error: unknown };
type Jobs = { jobs: Map<string, Job>; broken: BrokenJob[] };

const tokenMarginMs = 60 * 60_000;
const secretsSchema = z.record(z.string(), z.string());

/** The jobs of builds that are held, read anew. As `jobsOf`. */
export const jobsFor = async (room: Room, tx: Tx, buildIds: readonly string[]): Promise<Jobs> =>
  await jobsOf(room, tx, buildIds.length > 0 ? await jobFacts(tx, buildIds) : []);

/**
 * The jobs of builds that are held, each with a fresh token of its attempt. In the transaction of the claim, so a job
 * without token cannot exist. Those whose secrets do not open come back as `broken`.
 */
export async function jobsOf(room: Room, tx: Tx, held: readonly JobFacts[]): Promise<Jobs> {
  const jobs = new Map<string, Job>();
  const broken: BrokenJob[] = [];
  const whole: { facts: JobFacts; secretEnv: Record<string, string> }[] = [];
  for (const facts of held) {
    try {
      const secretEnv = facts.secretEnv
        ? secretsSchema.parse(JSON.parse(room.secrets.open(facts.secretEnv).toString()))
        : {};
      whole.push({ facts, secretEnv });
    } catch (error) {
      broken.push({ buildId: facts.buildId, workerId: facts.workerId, term: facts.term, error });
    }
  }
  const claims = whole.map(({ facts }) => claimOf(room, facts));
  const tokens = claims.length > 0 ? await room.auth.issueRunTokens(tx, claims) : [];
  for (const [n, { facts, secretEnv }] of whole.entries()) {
    jobs.set(facts.buildId, shape(room, facts, secretEnv, must(tokens[n], 'the token of a job')));
  }
  return { jobs, broken };
}

type TokenClaim = Parameters<Auth['issueRunToken']>[1];

const claimOf = (room: Room, { projectId, buildId, workerId, term, maxRunMs }: JobFacts): TokenClaim => ({
  kind: 'bld',
  projectId,
  subject: { buildId, workerId, term },
  // The attempt's end ends it too; this only lets rows of attempts that never ended be swept.
  expiresAt: new Date(room.clock.now() + maxRunMs + tokenMarginMs),
});

function shape(room: Room, facts: JobFacts, secretEnv: Record<string, string>, token: string): Job {
  const { buildId, term, name, platform, requires, tags, task, command, expects } = facts;
  const path = `/v1/builds/${buildId}`;
  return {
    build: { id: buildId, term, name, platform, requires, tags, task, command, expects },
    source: {
      url: `${path}/source`,
      sha256: facts.sourceSha256,
      sizeBytes: facts.sourceBytes,
      format: facts.sourceFormat,
    },
    certs: facts.certs ? { url: `${path}/certs` } : null,
    env: facts.env,
    secretEnv,
    lease: {
      until: facts.leaseUntil.toISOString(),
      ttlMs: facts.leaseTtlMs,
      heartbeatEveryMs: room.config.heartbeatEveryMs,
    },
    limits: {
      maxRunMs: facts.maxRunMs,
      artifactBytesMax: room.config.artifactBytesMax,
      logBytesMax: room.config.logBytesMax,
    },
    token,
    previous: facts.previous.map(({ term, failure }) => ({
      term,
      failure: failure && { code: failure.code, detail: failure.detail },
    })),
  };
}
