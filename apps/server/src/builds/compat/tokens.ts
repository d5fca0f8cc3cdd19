import { randomToken } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { hashOf } from '../access.ts';
import type { Room } from '../room.ts';
import {
  dropOldWorkerTokens,
  findWorkerByToken,
  insertWorkerToken,
  type LegacyWorker,
  replaceWorkerTokens,
  setOtp,
  slideWorkerToken,
  workerTokenMs,
} from './queries.ts';

/* Tokens of the old clients: 24 random bytes, 32 characters of A-Z a-z 0-9 _ -, stored as SHA-256, shown once. */

export const newToken = (): { token: string; hash: Buffer } => {
  const token = randomToken(24);
  return { token, hash: hashOf(token) };
};

/** How long a one-time password is good: a virtual machine is cloned and booted before it is used. */
const otpLifeMs = 30 * 60_000;

/** A token of the worker from now on; those it had go on for `overlapMs`. */
export async function newWorkerToken(tx: Tx, workerId: string, overlapMs: number): Promise<string> {
  const { token, hash } = newToken();
  await replaceWorkerTokens(tx, workerId, overlapMs);
  await dropOldWorkerTokens(tx, workerId);
  await insertWorkerToken(tx, workerId, hash);
  return token;
}

export type WorkerByToken = LegacyWorker & { token: string; leftMs: number };

/** Whose token this is. Any call but a poll starts its 90 s again. */
export async function workerByToken(room: Room, token: string, poll: boolean): Promise<WorkerByToken | undefined> {
  const hash = hashOf(token);
  const found = await findWorkerByToken(room.db, hash);
  if (found && !poll) await room.db.transaction((tx) => slideWorkerToken(tx, hash));
  return found && { ...found, token };
}

/**
 * The token a poll answers with: the same with its 90 s begun again, or a new one when less than 30 s were left or the
 * worker came with its key. The old one stays good for a minute, in case this answer is lost.
 */
export async function tokenForPoll(tx: Tx, workerId: string, came: WorkerByToken | undefined): Promise<string> {
  if (!came || came.leftMs < workerTokenMs.renewBelow) return newWorkerToken(tx, workerId, workerTokenMs.overlap);
  await slideWorkerToken(tx, hashOf(came.token));
  return came.token;
}

/** A fresh one-time password for the attempt. */
export async function newOtp(tx: Tx, build: { id: string; term: number }): Promise<string> {
  const { token, hash } = newToken();
  await setOtp(tx, build, hash, otpLifeMs);
  return token;
}
