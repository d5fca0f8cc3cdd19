/* The guard of outgoing calls, against real servers: what it refuses, what it pins, and how it ends what does not end. */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { FakeClock, Limits, MusterError, systemClock } from '#kernel/base';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { certificates } from '#test/certificates';
import { createOutbound, type Outbound, type OutboundOptions, type Resolve } from './index.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const outboundOf = (options: Partial<OutboundOptions> = {}): Outbound =>
  createOutbound({ clock: systemClock, metrics: loneMetrics(silentLogger), allow: [], loopback: false, ...options });

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const reasonOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'allowed';
  } catch (error) {
    return error instanceof MusterError ? error.reason : String(error);
  }
};
const to =
  (address: string): Resolve =>
  () =>
    Promise.resolve([{ address, family: address.includes(':') ? 6 : 4 }]);

describe('what may be called', () => {
  const refused = [
    'https://127.0.0.1/',
    'https://127.255.0.3/',
    'https://0.0.0.0/',
    'https://10.1.2.3/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://169.254.1.1/',
    'https://100.64.0.1/',
    'https://100.100.100.200/',
    'https://192.0.0.192/',
    'https://198.18.0.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[::]/',
    'https://[::1]/',
    'https://[fe80::1]/',
    'https://[fd00:ec2::254]/',
    'https://[fc00::1]/',
    'https://[ff02::1]/',
    // The same IPv4 addresses in other clothes.
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://127.0.0.1./',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[0:0:0:0:0:ffff:a00:1]/',
    'https://[::7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[2002:7f00:1::]/',
  ];
  test.each(refused)('%s is refused', async (url) => {
    expect(await reasonOf(outboundOf().check(url))).toBe('address_not_allowed');
    expect(await reasonOf(outboundOf().call({ url, method: 'POST' }))).toBe('address_not_allowed');
  });

  test('public addresses by https only, and names by what they are', async () => {
    const outbound = outboundOf({ resolve: to('93.184.216.34') });
    expect(await reasonOf(outbound.check('https://example.com/hook'))).toBe('allowed');
    expect(await reasonOf(outbound.check('https://93.184.216.34/'))).toBe('allowed');
    expect(await reasonOf(outbound.check('https://[2606:2800:220:1::1]/'))).toBe('allowed');
    expect(await reasonOf(outbound.check('http://example.com/hook'))).toBe('address_not_allowed');
    expect(await reasonOf(outboundOf({ resolve: to('10.0.0.1') }).check('https://example.com/'))).toBe(
      'address_not_allowed',
    );
    expect(await reasonOf(outboundOf({ resolve: to('::ffff:10.0.0.1') }).check('https://example.com/'))).toBe(
      'address_not_allowed',
    );
  });

  test('one bad address among good ones is enough', async () => {
    const resolve: Resolve = () =>
      Promise.resolve([
        { address: '93.184.216.34', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    expect(await reasonOf(outboundOf({ resolve }).check('https://example.com/'))).toBe('address_not_allowed');
  });

  test('a range that is allowed opens itself and nothing else, and metadata only by name', async () => {
    const outbound = outboundOf({ allow: ['10.0.0.0/8', 'linklocal'] });
    expect(await reasonOf(outbound.check('http://10.9.8.7/'))).toBe('allowed');
    expect(await reasonOf(outbound.check('https://10.9.8.7/'))).toBe('allowed');
    expect(await reasonOf(outbound.check('https://192.168.0.1/'))).toBe('address_not_allowed');
    expect(await reasonOf(outbound.check('https://169.254.3.3/'))).toBe('allowed');
    expect(await reasonOf(outbound.check('https://169.254.169.254/'))).toBe('address_not_allowed');
    const named = outboundOf({ allow: ['169.254.169.254'] });
    expect(await reasonOf(named.check('https://169.254.169.254/'))).toBe('allowed');
  });

  test('texts that are no URLs to call', async () => {
    for (const url of [
      '',
      'example.com',
      'ftp://example.com',
      'file:///etc/passwd',
      'https://user:pw@example.com/',
      'gopher://x',
      `https://e.com/${'a'.repeat(3000)}`,
    ])
      expect(await reasonOf(outboundOf({ resolve: to('93.184.216.34') }).check(url)), url).toBe('url_malformed');
  });

  test('a name that cannot be looked up passes the check and fails the call', async () => {
    const outbound = outboundOf({ resolve: () => Promise.reject(new Error('SERVFAIL')) });
    expect(await reasonOf(outbound.check('https://example.com/'))).toBe('allowed');
    expect(await reasonOf(outbound.call({ url: 'https://example.com/', method: 'GET' }))).toBe('outbound_unresolved');
  });
});

describe('the connection', () => {
  test('goes to the address that was checked, whatever the name says a moment later', async () => {
    const hosts: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      hosts.push(request.headers.host);
      response.end('here');
    });
    let asked = 0;
    // Allowed at the first look, a metadata address at every later one.
    const resolve: Resolve = () => {
      asked += 1;
      return Promise.resolve([{ address: asked === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }]);
    };
    const outbound = outboundOf({ loopback: true, resolve });
    const answer = await outbound.call({ url: `http://rebound.example:${port}/`, method: 'GET' });
    expect(answer.body.toString()).toBe('here');
    expect(asked).toBe(1);
    expect(hosts).toEqual([`rebound.example:${port}`]);
    expect(await reasonOf(outbound.call({ url: `http://rebound.example:${port}/`, method: 'GET' }))).toBe(
      'address_not_allowed',
    );
    expect(hosts).toHaveLength(1);
  });

  test('a name that turns to loopback between check and call is refused at the call', async () => {
    const port = await serve((_request, response) => response.end('secret'));
    let address = '93.184.216.34';
    const outbound = outboundOf({ resolve: () => Promise.resolve([{ address, family: 4 }]) });
    await outbound.check(`https://rebound.example:${port}/`);
    address = '127.0.0.1';
    expect(await reasonOf(outbound.call({ url: `https://rebound.example:${port}/`, method: 'GET' }))).toBe(
      'address_not_allowed',
    );
  });

  test('sends what it is given and gives back what it gets; a redirect is not followed', async () => {
    const seen: string[] = [];
    const port = await serve((request, response) => {
      seen.push(
        `${request.method} ${request.url} ${String(request.headers['x-mark'])} ${request.headers['content-length']}`,
      );
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end('elsewhere');
    });
    const url = `http://127.0.0.1:${port}/hook?a=1`;
    const answer = await outboundOf({ loopback: true }).call({
      url,
      method: 'POST',
      headers: { 'x-mark': 'm' },
      body: Buffer.from('{}'),
    });
    expect(answer.status).toBe(302);
    expect(answer.body.toString()).toBe('elsewhere');
    expect(seen).toEqual(['POST /hook?a=1 m 2']);
  });

  test('loopback only while this server itself listens there', async () => {
    const port = await serve((_request, response) => response.end());
    expect(await reasonOf(outboundOf().call({ url: `http://127.0.0.1:${port}/`, method: 'GET' }))).toBe(
      'address_not_allowed',
    );
    expect(
      await reasonOf(outboundOf({ loopback: true }).call({ url: `http://127.0.0.1:${port}/`, method: 'GET' })),
    ).toBe('allowed');
  });
});

describe('the last look', () => {
  test('is asked once, with the connection there and before the first byte', async () => {
    const seen: string[] = [];
    const server = createTcpServer((socket) => {
      seen.push('connected');
      socket.on('data', (bytes) => {
        seen.push(`${bytes.toString().split('\r\n')[0]}`);
        socket.end('HTTP/1.1 204 No Content\r\n\r\n');
      });
    });
    const url = await listen(server);
    const answer = await outboundOf({ loopback: true }).call({
      url,
      method: 'PUT',
      body: Buffer.from('x'),
      may: () => {
        seen.push('may');
        return true;
      },
    });
    expect(answer.status).toBe(204);
    expect(seen.toSorted()).toEqual(['PUT / HTTP/1.1', 'connected', 'may']);
    expect(seen.indexOf('may')).toBeLessThan(seen.indexOf('PUT / HTTP/1.1'));
  });

  test('a no sends nothing', async () => {
    const bytes: Buffer[] = [];
    const ended = Promise.withResolvers<void>();
    const server = createTcpServer((socket) => {
      socket.on('data', (part) => void bytes.push(part));
      socket.on('close', () => ended.resolve());
      socket.on('error', () => undefined);
    });
    const url = await listen(server);
    const call = outboundOf({ loopback: true }).call({ url, method: 'DELETE', may: () => false });
    expect(await reasonOf(call)).toBe('outbound_withheld');
    await ended.promise;
    expect(bytes).toEqual([]);
  });

  test('is not asked where there is no connection', async () => {
    let asked = 0;
    const may = (): boolean => (asked += 1) > 0;
    const server = createTcpServer();
    const url = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await reasonOf(outboundOf({ loopback: true }).call({ url, method: 'POST', may }))).toBe('outbound_refused');
    // It takes the connection and never shakes hands.
    const clock = new FakeClock();
    const came = Promise.withResolvers<void>();
    const mute = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        came.resolve();
      }),
    );
    const call = reasonOf(
      outboundOf({ loopback: true, clock }).call({
        url: mute.replace('http:', 'https:'),
        method: 'POST',
        may,
        connectMs: 5_000,
        timeoutMs: 60_000,
      }),
    );
    await came.promise;
    await clock.advance(5_000);
    expect(await call).toBe('outbound_timeout');
    expect(asked).toBe(0);
  });

  async function listen(server: ReturnType<typeof createTcpServer>): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }
});

test('what the environment names may be private, metadata may not', async () => {
  const port = await serve((_request, response) => response.end('mine'));
  const call = (url: string, trusted: boolean) => reasonOf(outboundOf().call({ url, method: 'GET', trusted }));
  expect(await call(`http://127.0.0.1:${port}/`, false)).toBe('address_not_allowed');
  expect(await call(`http://127.0.0.1:${port}/`, true)).toBe('allowed');
  expect(await call('http://169.254.169.254/', true)).toBe('address_not_allowed');
});

test('a caller may wait longer than usual, and no longer than it said', async () => {
  const clock = new FakeClock();
  const came = Promise.withResolvers<void>();
  const port = await serve(() => came.resolve());
  const url = `http://127.0.0.1:${port}/`;
  const call = reasonOf(outboundOf({ loopback: true, clock }).call({ url, method: 'GET', timeoutMs: 120_000 }));
  await came.promise;
  await clock.advance(119_999);
  expect(await Promise.race([call, Promise.resolve('open')])).toBe('open');
  await clock.advance(1);
  expect(await call).toBe('outbound_timeout');
});

describe('ends', () => {
  test('an answer over the limit is cut, also without a length', async () => {
    const port = await serve((_request, response) => {
      const more = (): void => void (response.destroyed || response.write('x'.repeat(16_384), more));
      more();
    });
    const outbound = outboundOf({ loopback: true });
    expect(await reasonOf(outbound.call({ url: `http://127.0.0.1:${port}/`, method: 'GET' }))).toBe(
      'outbound_answer_too_large',
    );
  });

  test('heads over the limit are cut', async () => {
    const port = await serve((_request, response) => response.writeHead(200, { 'x-big': 'x'.repeat(60_000) }).end());
    expect(
      await reasonOf(outboundOf({ loopback: true }).call({ url: `http://127.0.0.1:${port}/`, method: 'GET' })),
    ).toBe('outbound_broken');
  });

  test.each(['nothing', 'head only', 'one byte at a time'])('a server that says %s ends by the clock', async (what) => {
    const clock = new FakeClock();
    const came = Promise.withResolvers<void>();
    const port = await serve((_request, response) => {
      if (what === 'head only') response.writeHead(200, { 'content-length': '10' }).flushHeaders();
      if (what === 'one byte at a time') response.write('a');
      came.resolve();
    });
    const outbound = outboundOf({ loopback: true, clock });
    const call = reasonOf(outbound.call({ url: `http://127.0.0.1:${port}/`, method: 'GET' }));
    await came.promise;
    await clock.advance(9_999);
    expect(await Promise.race([call, Promise.resolve('open')])).toBe('open');
    await clock.advance(1);
    expect(await call).toBe('outbound_timeout');
  });

  test('a name server that hangs ends by the clock too', async () => {
    const clock = new FakeClock();
    const outbound = outboundOf({ clock, resolve: () => new Promise(() => undefined) });
    const call = reasonOf(outbound.call({ url: 'https://example.com/', method: 'GET' }));
    await clock.advance(10_000);
    expect(await call).toBe('outbound_timeout');
  });

  test('our own end of a call, a cut connection, nobody there, no HTTP', async () => {
    const abort = new AbortController();
    const hanging = await serve(() => abort.abort());
    const outbound = outboundOf({ loopback: true });
    const call = (port: number, signal?: AbortSignal) =>
      reasonOf(outbound.call({ url: `http://127.0.0.1:${port}/`, method: 'GET', ...(signal ? { signal } : {}) }));
    expect(await call(hanging, abort.signal)).toBe('outbound_aborted');
    expect(await call(hanging, abort.signal)).toBe('outbound_aborted');
    expect(await call(await serve((request) => request.socket.destroy()))).toBe('outbound_broken');
    const tcp = createTcpServer((socket) => socket.resume().end('not http\r\n\r\n'));
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as AddressInfo;
    expect(await call(port)).toBe('outbound_broken');
    await new Promise((resolve) => tcp.close(resolve));
    expect(await call(port)).toBe('outbound_refused');
  });

  test('a certificate nobody vouches for', async () => {
    const server = createTlsServer(certificates.first, (_request, response) => response.end('secret'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    expect(
      await reasonOf(outboundOf({ loopback: true }).call({ url: `https://localhost:${port}/`, method: 'GET' })),
    ).toBe('outbound_untrusted');
  });
});

test('more calls than places wait in line, and all are made', async () => {
  let open = 0;
  let most = 0;
  const port = await serve((_request, response) => {
    open += 1;
    most = Math.max(most, open);
    setImmediate(() => {
      open -= 1;
      response.end();
    });
  });
  const limits = new Limits();
  const outbound = outboundOf({ loopback: true, limits });
  const answers = await Promise.all(
    Array.from({ length: 600 }, () => outbound.call({ url: `http://127.0.0.1:${port}/`, method: 'GET' })),
  );
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(most).toBeLessThanOrEqual(256);
  expect(limits.list().find(({ name }) => name === 'outbound.calls')?.present).toBe(0);
});
