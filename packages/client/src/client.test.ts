/* The client against a real HTTP server that cuts, refuses and restarts as real ones do. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MusterError } from '@muster/protocol/errors';
import { afterEach, describe, expect, it } from 'vitest';
import { Builds, Client, Connection, download, everyItem, Stream, upload } from './index.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(answer: RequestListener): Promise<Connection> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return new Connection({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, credential: 'mst_test' });
}

const impatient = { firstMs: 1, maxMs: 2 };
const readAll = async (request: IncomingMessage): Promise<Buffer> => Buffer.concat(await request.toArray());
const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void =>
  void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

describe('errors', () => {
  it('come back as the server said them', async () => {
    const connection = await serve((_request, response) =>
      json(response, 409, { code: 'conflict', reason: 'stale_term', detail: 'Term 2 is over.', status: 409, term: 3 }),
    );
    await expect(connection.call('POST', '/x')).rejects.toMatchObject({
      code: 'conflict',
      reason: 'stale_term',
      message: 'Term 2 is over.',
      extra: { term: 3 },
    });
  });

  it('of a proxy that speaks HTML become a code by their status', async () => {
    const connection = await serve(
      (_request, response) => void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>bad gateway'),
    );
    await expect(connection.call('GET', '/x')).rejects.toMatchObject({ code: 'unavailable', reason: 'http_502' });
  });

  it('of a server that is not there say so', async () => {
    const connection = new Connection({ url: 'http://127.0.0.1:9' });
    const error = await connection.call('GET', '/x').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(MusterError);
    expect(error).toMatchObject({ code: 'unavailable', reason: 'no_connection' });
  });

  it('carry the credential and nothing of it in the message', async () => {
    const connection = await serve((request, response) =>
      json(response, request.headers.authorization === 'Bearer mst_test' ? 200 : 401, {}),
    );
    expect(await connection.call('GET', '/x')).toEqual({});
  });
});

describe('a credential that is asked for', () => {
  it('is asked for once, however many requests find it refused', async () => {
    let good = 'first';
    const connection = await serve((request, response) =>
      json(response, request.headers.authorization === `Bearer ${good}` ? 200 : 401, { code: 'unauthenticated' }),
    );
    const asked: string[] = [];
    const credential = async (why: string): Promise<string> => {
      asked.push(why);
      await new Promise((resolve) => setImmediate(resolve));
      return good;
    };
    const client = new Connection({ url: connection.url, credential });
    const all = (): Promise<unknown[]> => Promise.all([1, 2, 3].map(() => client.call('GET', '/x')));
    await all();
    good = 'second';
    await all();
    expect(asked).toEqual(['first', 'refused']);
  });

  it('that nobody can give now is asked for again by whoever may try again', async () => {
    const connection = new Connection({
      url: 'http://127.0.0.1:9',
      credential: () => Promise.reject(new Error('away')),
    });
    await expect(connection.call('GET', '/x')).rejects.toMatchObject({ code: 'unavailable', reason: 'no_token' });
    const left = new MusterError('unauthenticated', { reason: 'signed_out', detail: 'Signed out.' });
    const gone = new Connection({ url: 'http://127.0.0.1:9', credential: () => Promise.reject(left) });
    await expect(gone.call('GET', '/x')).rejects.toBe(left);
  });
});

describe('finished', () => {
  it('goes on waiting over cuts, and stops when told to', async () => {
    let asks = 0;
    const connection = await serve((_request, response) => {
      asks += 1;
      if (asks < 3) return void response.destroy();
      if (asks === 3) return json(response, 503, { code: 'unavailable', reason: 'draining' });
      json(response, 200, { id: 'bld_1', finishedAt: asks === 4 ? null : '2026-01-01T00:00:00.000Z' });
    });
    expect(await new Builds(connection).finished('bld_1', undefined, impatient)).toMatchObject({ id: 'bld_1' });
    expect(asks).toBe(5);
    const gone = new Builds(new Connection({ url: 'http://127.0.0.1:9' }));
    await expect(gone.finished('bld_1', AbortSignal.timeout(50), impatient)).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });
});

describe('everyItem', () => {
  it('reads to the last page', async () => {
    const pages = [[1, 2], [3], [4, 5]];
    const asked: (string | undefined)[] = [];
    const all = await everyItem(async ({ cursor }) => {
      asked.push(cursor);
      const n = Number(cursor ?? 0);
      return { items: pages[n] ?? [], nextCursor: n + 1 < pages.length ? String(n + 1) : null };
    });
    expect(all).toEqual([1, 2, 3, 4, 5]);
    expect(asked).toEqual([undefined, '1', '2']);
  });
});

describe('follow', () => {
  it('reads pages, then stays, over a cut, without missing or repeating a record', async () => {
    const records = Array.from({ length: 10 }, (_, n) => ({ n }));
    let polls = 0;
    const connection = await serve((request, response) => {
      const url = new URL(request.url ?? '', 'http://x');
      const from = Math.max(0, Number(url.searchParams.get('offset')));
      polls += 1;
      // Every third answer is torn in the middle.
      if (polls % 3 === 0) {
        response.writeHead(200, { 'content-length': '1000' }).write('[{"n"', () => response.destroy());
        return;
      }
      const slice = records.slice(from, from + 3);
      const next = from + slice.length;
      json(response, 200, slice, {
        'stream-next-offset': String(next),
        ...(next === records.length ? { 'stream-up-to-date': 'true', 'stream-closed': 'true' } : {}),
      });
    });
    const seen: number[] = [];
    for await (const page of new Stream(connection, 'x').follow<{ n: number }>({ pace: impatient }))
      seen.push(...page.records.map(({ n }) => n));
    expect(seen).toEqual(records.map(({ n }) => n));
  });

  it('ends at the tail when asked to', async () => {
    const connection = await serve((_request, response) =>
      json(response, 200, [1], { 'stream-next-offset': '1', 'stream-up-to-date': 'true' }),
    );
    const pages: unknown[] = [];
    for await (const page of new Stream(connection, 'x').read()) pages.push(page);
    expect(pages).toHaveLength(1);
  });

  it('gives a final refusal at once', async () => {
    const connection = await serve((_request, response) =>
      json(response, 404, { code: 'notFound', reason: 'no_stream', detail: 'No such stream.' }),
    );
    await expect(new Stream(connection, 'x').follow().next()).rejects.toMatchObject({ code: 'notFound' });
  });
});

describe('upload', () => {
  it('goes on from the acknowledged byte after cuts', async () => {
    const content = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 251));
    let stored = Buffer.alloc(0);
    let patches = 0;
    const connection = await serve((request, response) => {
      void (async () => {
        if (request.method === 'POST' && request.url === '/v1/uploads')
          return json(response, 201, { id: 'upl_1', offset: 0, chunkBytesMax: 300 });
        if (request.method === 'HEAD')
          return void response.writeHead(200, { 'upload-offset': String(stored.length) }).end();
        if (request.method === 'PATCH') {
          expect(Number(request.headers['upload-offset'])).toBe(stored.length);
          const chunk = await readAll(request);
          patches += 1;
          // The second chunk is stored in part and its answer is lost; the fourth is lost whole.
          if (patches === 2) stored = Buffer.concat([stored, chunk.subarray(0, 100)]);
          if (patches === 2 || patches === 4) return void request.socket.destroy();
          if (patches === 3)
            return json(response, 409, { code: 'conflict', reason: 'upload_busy', detail: 'Still writing.' });
          stored = Buffer.concat([stored, chunk]);
          return void response.writeHead(204, { 'upload-offset': String(stored.length) }).end();
        }
        return json(response, 200, { sha256: 'a'.repeat(64), sizeBytes: stored.length });
      })();
    });
    const seen: number[] = [];
    const done = await upload(connection, 'source', new Blob([content]), {
      patience: impatient,
      onProgress: (offset) => seen.push(offset),
    });
    expect(done).toMatchObject({ id: 'upl_1', sizeBytes: 1_000 });
    expect(stored.equals(content)).toBe(true);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });
});

describe('download', () => {
  const content = Buffer.from('x'.repeat(5_000) + 'y'.repeat(5_000));
  const etag = `"sha256-${'a'.repeat(64)}"`;

  it('goes on by range after a cut', async () => {
    let calls = 0;
    const connection = await serve((request, response) => {
      calls += 1;
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, { etag, 'content-length': String(content.length - from) });
      if (calls === 1) response.write(content.subarray(0, 4_000), () => setImmediate(() => response.destroy()));
      else response.end(content.subarray(from));
    });
    const chunks: Uint8Array[] = [];
    const done = await download(connection, '/file', (chunk) => void chunks.push(chunk), { patience: impatient });
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
    expect(done).toEqual({ bytes: 10_000, sha256: 'a'.repeat(64) });
    expect(calls).toBe(2);
  });

  it('never mixes two files', async () => {
    let calls = 0;
    const connection = await serve((_request, response) => {
      calls += 1;
      response.writeHead(200, { etag: `"${calls}"`, 'content-length': String(content.length) });
      if (calls === 1) response.write(content.subarray(0, 10), () => setImmediate(() => response.destroy()));
      else response.end(content);
    });
    await expect(download(connection, '/file', () => undefined, { patience: impatient })).rejects.toMatchObject({
      reason: 'file_changed',
    });
  });
});

describe('calls', () => {
  it('leave out what was not said', async () => {
    const seen: string[] = [];
    const connection = await serve((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      json(response, 200, { items: [], nextCursor: null });
    });
    const client = new Client({ url: connection.url });
    await client.builds.list({ state: 'queued', limit: 5 });
    await client.workers.list();
    expect(seen).toEqual(['GET /v1/builds?state=queued&limit=5', 'GET /v1/workers']);
  });
});
