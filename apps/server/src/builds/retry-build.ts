import {
  type BuildSpec,
  buildLimits,
  buildSpecSchema,
  isTerminal,
  type RetryBuild,
  type Submitted,
} from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { conflict, invalid, must, reach } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { Once } from '#kernel/http';
import { noSuchBuild, requireBuild } from './access.ts';
import { withDemand } from './find-demand.ts';
import { type BuildPayload, type BuildRow, readBuildPayload, readBuildRow } from './queries/build-row.ts';
import { lockInputs } from './queries/submit.ts';
import type { Room } from './room.ts';
import {
  type Asked,
  demandOf,
  insertSubmitted,
  type Made,
  type SubmitInput,
  showSubmitted,
  sourceExpired,
} from './submit-build.ts';

export type RetryInput = RetryBuild & {
  /** Legacy clients may retry what is not finished: a second build of the same files. */
  unfinished?: boolean;
  asked?: Asked;
};

/**
 * A new build of the same files (shared, not copied) and the same settings; `env` is laid over the old one. Errors: as
 * `requireBuild` with `operate`; `conflict` `not_finished`, `source_expired`; and those of `submitBuild`.
 */
export async function retryBuild(
  room: Room,
  who: Principal,
  buildId: string,
  input: RetryInput,
): Promise<{ build: BuildRow; accessToken: string }> {
  const { id, accessToken } = await inRetry(room, who, buildId, input, (_tx, made) => Promise.resolve(made));
  return { build: must(await readBuildRow(room.db, id), 'the new build'), accessToken };
}

/** The same as a `/v1` answer that an `Idempotency-Key` can repeat. */
export async function retryOnce(
  room: Room,
  who: Principal,
  buildId: string,
  input: RetryInput,
  once: Once | undefined,
): Promise<Submitted> {
  if (once) return await inRetry(room, who, buildId, input, (tx, made) => showSubmitted(room, tx, made), once);
  const made = await inRetry(room, who, buildId, input, (_tx, made) => Promise.resolve(made));
  return await showSubmitted(room, room.db, made);
}

async function inRetry<T>(
  room: Room,
  who: Principal,
  buildId: string,
  input: RetryInput,
  then: (tx: Tx, made: Made) => Promise<T>,
  once: Once = (_tx, body) => body(),
): Promise<T> {
  const old = await requireBuild(room, room.db, who, buildId, 'operate');
  const result = await withDemand(room, demandOf(old.projectId, old), (sig) =>
    room.db.transaction((tx) => once(tx, async () => then(tx, await retryInTx(room, tx, who, { old, sig }, input)))),
  );
  await reach('submit.committed');
  return result;
}

/** One retry inside a transaction, for bulk actions too; `old` may have been read before it. */
export async function retryInTx(
  room: Room,
  tx: Tx,
  who: Principal,
  from: { old: BuildRow; sig: number },
  input: RetryInput,
): Promise<Made> {
  const { old } = from;
  const files = await lockInputs(tx, old.projectId, old.id);
  const payload = await readBuildPayload(tx, old.id);
  if (!files || !payload) throw noSuchBuild();
  if (!input.unfinished && !isTerminal(files.state as BuildRow['state'])) {
    throw conflict('not_finished', `The build is still ${files.state}; cancel it first, or wait for its end.`, {
      extra: { state: files.state },
    });
  }
  if (files.removed) throw sourceExpired();
  const submit: SubmitInput = {
    spec: specOf(old, payload, input),
    source: {
      blob: files.sourceBlob,
      bytes: files.sourceBytes,
      sha256: files.sourceSha256,
      format: files.sourceFormat,
      fromBuild: old.id,
    },
    retryOf: old.id,
    legacy: old.legacy,
    ...(input.asked ? { asked: input.asked } : {}),
    ...(files.certsBlob && files.certsKey
      ? {
          certs: { blob: files.certsBlob, bytes: files.certsBytes ?? 0, wrappedKey: files.certsKey, fromBuild: old.id },
        }
      : {}),
    ...(payload.secretEnv ? { sealedSecretEnv: { sealed: payload.secretEnv, names: old.secretEnvNames } } : {}),
    ...(payload.extraProfile ? { sealedExtraProfile: payload.extraProfile } : {}),
  };
  const made = await insertSubmitted(room, tx, who, from.sig, submit);
  await room.emit(tx, [
    {
      projectId: old.projectId,
      type: 'retried',
      buildId: old.id,
      queue: old.queue,
      term: old.term,
      data: { as: made.id },
      line: { level: 'info', text: `Retried as build ${made.id}` },
    },
  ]);
  return made;
}

function specOf(old: BuildRow, payload: BuildPayload, input: RetryInput): BuildSpec {
  const env = { ...payload.env, ...input.env };
  const checked = buildSpecSchema.shape.env.safeParse(env);
  if (!checked.success) {
    throw invalid('invalid_env', `Together with the old build's: ${checked.error.issues[0]?.message ?? 'too large'}.`, {
      errors: [
        { pointer: '/env', detail: `at most ${buildLimits.envEntriesMax} variables, ${buildLimits.envBytesMax} bytes` },
      ],
    });
  }
  return {
    tags: old.tags,
    queue: old.queue,
    platform: old.platform,
    requires: old.requires,
    priority: input.priority ?? old.priority,
    env,
    secretEnv: {},
    maxRunMs: old.maxRunMs,
    attemptsMax: old.attemptsMax,
    retryOn: old.retryOn,
    expects: old.expects,
    ...(old.name === null ? {} : { name: old.name }),
    ...(old.notBefore === null ? {} : { notBefore: old.notBefore.toISOString() }),
    ...(old.queueDeadlineMs === null ? {} : { queueDeadlineMs: old.queueDeadlineMs }),
    ...(old.ckey === null
      ? {}
      : { concurrency: { key: old.ckey, limit: old.keyLimit ?? 1, mode: old.keyMode ?? 'queue' } }),
    ...(old.task === null ? {} : { task: old.task }),
    ...(payload.command === null ? {} : { command: payload.command }),
  };
}
