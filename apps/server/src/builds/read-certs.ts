import { isTerminal } from '@muster/protocol';
import { type Principal, writeAudit } from '#kernel/auth';
import { conflict, MusterError, notFound, randomToken } from '#kernel/base';
import { requireBuild } from './access.ts';
import { openCerts } from './certs.ts';
import { readBundle } from './certs-bundle.ts';
import { type BuildRow, readBuildPayload } from './queries/build-row.ts';
import type { Room } from './room.ts';
import type { Asked } from './submit-build.ts';

/** Everything base64 except the password, which is text. */
export type CertsAnswer = {
  p12: string;
  p12Password: string;
  keychainPassword: string;
  provisioningProfiles: string[];
};

/**
 * The build's signing material, for the attempt that holds it and nobody else; every read, also a refused one, is an
 * audit row. Errors: as `requireBuild` with `holder`; `conflict` `finished`; `notFound` `no_certs`, `certs_gone`;
 * `invalid` `certs_invalid`; `exhausted` `certs_busy`; `unavailable` `secrets_unreadable`.
 */
export async function readCerts(room: Room, who: Principal, buildId: string, asked: Asked): Promise<CertsAnswer> {
  const { row, payload } = await entitled(room, who, buildId, asked);
  return await room.intake.certsGate.run(async () => {
    const bundle = await readBundle(await openCerts(room, row));
    const extra = payload.extraProfile ? [room.secrets.open(payload.extraProfile)] : [];
    await recordRead(room, who, buildId, asked);
    return {
      p12: bundle.p12.toString('base64'),
      p12Password: bundle.password ?? '',
      keychainPassword: randomToken(24),
      provisioningProfiles: [...bundle.profiles, ...extra].map((profile) => profile.toString('base64')),
    };
  });
}

/** The zip as it was sent. Same rights, audit and errors as `readCerts`. */
export async function openCertsBundle(room: Room, who: Principal, buildId: string, asked: Asked): Promise<Buffer> {
  const { row } = await entitled(room, who, buildId, asked);
  return await room.intake.certsGate.run(async () => {
    const zip = await openCerts(room, row);
    await recordRead(room, who, buildId, asked);
    return zip;
  });
}

async function entitled(
  room: Room,
  who: Principal,
  buildId: string,
  asked: Asked,
): Promise<{ row: { blob: string; wrappedKey: Buffer }; payload: { extraProfile: Buffer | null } }> {
  const row = await holderOrAudit(room, who, buildId, asked);
  const payload = await readBuildPayload(room.db, buildId);
  if (!row.certsBlob || !payload?.certsKey) throw notFound('no_certs', 'This build has no credential bundle.');
  return { row: { blob: row.certsBlob, wrappedKey: payload.certsKey }, payload };
}

async function holderOrAudit(room: Room, who: Principal, buildId: string, asked: Asked): Promise<BuildRow> {
  try {
    const row = await requireBuild(room, room.db, who, buildId, 'holder');
    if (isTerminal(row.state))
      throw conflict('finished', `The build is ${row.state}; its credentials are no longer given out.`);
    return row;
  } catch (error) {
    if (error instanceof MusterError && error.code !== 'unavailable') {
      await room.db.transaction((tx) =>
        writeAudit(tx, { who, action: 'builds.certs_read', subject: buildId, outcome: 'refused', ...asked }),
      );
    }
    throw error;
  }
}

async function recordRead(room: Room, who: Principal, buildId: string, asked: Asked): Promise<void> {
  await room.db.transaction((tx) =>
    writeAudit(tx, { who, action: 'builds.certs_read', subject: buildId, outcome: 'done', ...asked }),
  );
  room.metrics.certsReads.add({});
}
