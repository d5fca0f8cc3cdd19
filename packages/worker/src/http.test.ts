import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Http, isAway, isRefusedCredential } from './http.ts';
import { untilAnswered } from './retrying.ts';
import { silentLog } from './worker-log.ts';

const anything = { parse: (value: unknown) => value };

async function serverWith(listener: RequestListener, path = ''): Promise<Http> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Http(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
}
const errorOf = async (call: Promise<unknown>): Promise<Error> =>
  call.then(
    () => Promise.reject(new Error('it went well')),
    (error: unknown) => error as Error,
  );

test('a server behind a path keeps it; our token goes to no other host', async () => {
  const http = await serverWith((request, response) => response.end(JSON.stringify({ url: request.url })), '/muster');
  expect(await http.json(anything, 'GET', '/v1/x')).toEqual({ url: '/muster/v1/x' });
  expect(() => http.url('https://elsewhere.example/v1/x')).toThrow('another host');
  expect(() => http.url('//elsewhere.example/v1/x').origin).not.toThrow();
  expect(http.url('//elsewhere.example/v1/x').origin).toBe(new URL(http.base).origin);
  expect(() => new Http('ftp://x')).toThrow('http://');
});

describe('what an answer means', () => {
  const problem =
    (status: number, members: object): RequestListener =>
    (_, response) => {
      response.statusCode = status;
      response.end(JSON.stringify({ status, detail: 'why', ...members }));
    };
  test('a problem document is told as it is', async () => {
    const http = await serverWith(problem(409, { code: 'conflict', reason: 'stale_term', term: 4 }));
    const error = await errorOf(http.json(anything, 'POST', '/x'));
    expect(error).toMatchObject({
      code: 'conflict',
      reason: 'stale_term',
      status: 409,
      message: 'why',
      extra: { term: 4 },
    });
    expect(isAway(error)).toBe(false);
  });

  test.each([502, 503, 504, 500, 429, 408])('%i of something in between: ask again', async (status) => {
    const http = await serverWith((_, response) => {
      response.statusCode = status;
      response.setHeader('retry-after', '2').end('<html>');
    });
    const error = await errorOf(http.json(anything, 'GET', '/x'));
    expect(isAway(error)).toBe(true);
    expect(error).toMatchObject({ retryAfterMs: 2_000 });
  });

  test.each([400, 404, 413, 418])('%i is the answer', async (status) => {
    const http = await serverWith((_, response) => void response.writeHead(status).end());
    const error = await errorOf(http.json(anything, 'GET', '/x'));
    expect([isAway(error), isRefusedCredential(error)]).toEqual([false, false]);
  });

  test.each([401, 403])('%i: the credential is not good', async (status) => {
    const http = await serverWith((_, response) => void response.writeHead(status).end());
    expect(isRefusedCredential(await errorOf(http.json(anything, 'GET', '/x')))).toBe(true);
  });

  test('a redirect is not followed but named', async () => {
    const http = await serverWith((_, response) => void response.writeHead(301, { location: 'https://other' }).end());
    expect((await errorOf(http.json(anything, 'GET', '/x'))).message).toContain('https://other');
  });

  test('nobody there, a cut, a silence, an endless or foreign answer: ask again', async () => {
    const nobody = new Http('http://127.0.0.1:1');
    const cut = await serverWith((request) => request.socket.destroy());
    const half = await serverWith((request, response) => {
      response.setHeader('content-length', 100);
      response.write('{', () => request.socket.destroy());
    });
    const silent = await serverWith(() => undefined);
    const endless = await serverWith((_, response) => response.end('x'.repeat(5 * 1024 * 1024)));
    const foreign = await serverWith((_, response) => response.end('hello'));
    for (const http of [nobody, cut, half, silent, endless, foreign]) {
      const error = await errorOf(http.json(anything, 'GET', '/x', { timeoutMs: 300 }));
      expect([http.base, isAway(error)]).toEqual([http.base, true]);
    }
  });
});

describe('asking until there is an answer', () => {
  test('goes on while the server is away, and stops when told', async () => {
    let calls = 0;
    const http = await serverWith((request, response) => {
      calls += 1;
      if (calls < 3) request.socket.destroy();
      else response.end('{"ok":true}');
    });
    const never = new AbortController().signal;
    expect(await untilAnswered('x', silentLog, never, () => http.json(anything, 'GET', '/x'))).toEqual({ ok: true });
    const stop = new AbortController();
    const waiting = untilAnswered('x', silentLog, stop.signal, () =>
      new Http('http://127.0.0.1:1').json(anything, 'GET', '/x'),
    );
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
