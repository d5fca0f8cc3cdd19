import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A door before a Postgres socket, so that a test can take the database away from one pool while the cluster and the
 * other test files go on. Shut: connections are cut and new ones refused. Stalled: nothing passes, nothing is cut.
 */
export type Gate = AsyncDisposable & {
  connection: { host: string; port: number };
  shut(): void;
  open(): void;
  stall(): void;
  /** How often something came from the pool's side. */
  writes(): number;
};

export async function openGate(target: { host: string; port: number }): Promise<Gate> {
  const host = await mkdtemp(join(tmpdir(), 'muster-gate-'));
  const pairs = new Set<[Socket, Socket]>();
  let state: 'open' | 'shut' | 'stalled' = 'open';
  let writes = 0;
  const server = createServer((outside) => {
    if (state === 'shut') {
      outside.destroy();
      return;
    }
    const inside = connect(join(target.host, `.s.PGSQL.${target.port}`));
    const pair: [Socket, Socket] = [outside, inside];
    pairs.add(pair);
    outside.on('data', () => (writes += 1));
    for (const [from, to] of [pair, [inside, outside] as const]) {
      from.on('error', () => undefined);
      from.on('close', () => void (pairs.delete(pair), to.destroy()));
      from.pipe(to);
      if (state === 'stalled') from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(join(host, `.s.PGSQL.${target.port}`), resolve));
  const cut = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    connection: { host, port: target.port },
    writes: () => writes,
    shut() {
      state = 'shut';
      cut();
    },
    open() {
      state = 'open';
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    stall() {
      state = 'stalled';
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
      await rm(host, { recursive: true, force: true });
    },
  };
}
