import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { connectionTo, waitUntilReady } from './postmaster.ts';

/** A server that is starting up for the first `busy` connections, then lets anybody in. */
async function startingServer(busy: number): Promise<{ folder: string; seen: () => number } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-ready-'));
  const message = (kind: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.write(kind);
    head.writeUInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const starting = message('E', Buffer.from('SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0'));
  const welcome = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]);
  let seen = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => (++seen <= busy ? socket.end(starting) : socket.write(welcome)));
  });
  await new Promise<void>((resolve) => server.listen(join(folder, '.s.PGSQL.5432'), resolve));
  return {
    folder,
    seen: () => seen,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

const options = (folder: string, told: string[] = []) => ({
  connection: connectionTo({ folder, port: 5432 }, 'x', 'postgres'),
  postmaster: { pid: process.pid, adopted: true },
  logPath: join(folder, 'postgres.log'),
  logFrom: 0,
  timeoutMs: 120_000,
  clock: systemClock,
  progress: (waitedMs: number) => void told.push(`${waitedMs}`),
});

test('"starting up" is waited for, with progress every 5 s', async () => {
  await using server = await startingServer(5);
  const told: string[] = [];
  let now = 0;
  // Each look takes 3 s on this clock.
  const clock = { ...systemClock, monotonic: () => (now += 1_500) };
  await waitUntilReady({ ...options(server.folder, told), clock });
  expect(server.seen()).toBe(6);
  expect(told.length).toBeGreaterThanOrEqual(2);
});

test('but not for ever', async () => {
  await using server = await startingServer(1_000);
  await expect(waitUntilReady({ ...options(server.folder), timeoutMs: 100 })).rejects.toMatchObject({
    code: 'unavailable',
    reason: 'postgres_start_timeout',
    message: expect.stringContaining('MUSTER_DB_START_TIMEOUT_MS'),
  });
});
