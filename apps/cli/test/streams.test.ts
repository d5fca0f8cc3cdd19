/* `muster streams` against the real server, as people and scripts use it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../server/test/support/server.ts';
import { until } from '../../server/test/support/until.ts';
import { type Ran, runCli, startCli, tempDir } from './support/cli.ts';

const server: TestServer = await startServer();
afterAll(() => server[Symbol.asyncDispose]());

type Options = Parameters<typeof runCli>[2];
const run = (words: readonly string[], options: Options = {}): Promise<Ran> =>
  runCli(server, ['streams', ...words], options);
const good = async (words: readonly string[], options: Options = {}): Promise<string> => {
  const { code, stdout, stderr } = await run(words, options);
  expect([words, code, stderr]).toEqual([words, 0, expect.any(String)]);
  return stdout;
};

describe('append and read', () => {
  test('lines of text come out as they went in, from both ends', async () => {
    await good(['create', 'cli/text', '--ttl', '1h']);
    const input = `${Array.from({ length: 500 }, (_, n) => `line ${n} é`).join('\r\n')}\nno end`;
    expect(await good(['append', 'cli/text'], { input })).toBe('501 messages appended to cli/text\n');
    expect(await good(['cat', 'cli/text'])).toBe(input);
    expect(await good(['tail', 'cli/text', '-n', '2'])).toBe('line 499 é\nno end');
    expect(await good(['tail', 'cli/text'])).toBe(input.split('\n').slice(-10).join('\n'));
    expect((await good(['tail', 'cli/text', '-n', '1000'])) === input).toBe(true);
    await good(['append', 'cli/text', ' and', 'more']);
    expect(await good(['tail', 'cli/text', '-n', '2'])).toBe('no end and\nmore\n');
  });

  test('a line longer than many messages is one line', async () => {
    await good(['create', 'cli/parts']);
    for (const part of ['a', 'b', 'c', 'd\ne', 'f', 'g'])
      await server.call('/v1/stream/cli/parts', { method: 'POST', body: part });
    expect(await good(['tail', 'cli/parts', '-n', '2'])).toBe('abcd\nefg');
    expect(await good(['tail', 'cli/parts', '-n', '1'])).toBe('efg');
  });

  test('JSON is taken line by line and loses no digit', async () => {
    await good(['create', 'cli/json', '--type', 'application/json']);
    const lines = ['{"n":12345678901234567890,"a":1.0}', '[1,2]', '"x"', 'null'];
    await good(['append', 'cli/json'], { input: `${lines.join('\n\n')}\n` });
    expect(await good(['cat', 'cli/json'])).toBe(`${lines.join('\n')}\n`);
    expect(await good(['tail', 'cli/json', '-n', '2'])).toBe('"x"\nnull\n');
    const { code, stderr } = await run(['append', 'cli/json'], { input: '1\n{oops\n' });
    expect([code, stderr]).toEqual([2, expect.stringContaining('Line 2 is not JSON')]);
    await good(['append', 'cli/json', '--whole'], { input: '{\n  "spread": true\n}\n' });
    expect(await good(['tail', 'cli/json', '-n', '1'])).toBe('{   "spread": true }\n');
  });

  test('bytes are bytes', async () => {
    const input = String.fromCharCode(...Array.from({ length: 256 }, (_, n) => n & 0x7f));
    await good(['create', 'cli/bytes', '--type', 'application/octet-stream']);
    await good(['append', 'cli/bytes', '--whole'], { input });
    await server.call('/v1/stream/cli/bytes', {
      method: 'POST',
      body: new Uint8Array([0xff, 0xfe]),
      headers: { 'content-type': 'application/octet-stream' },
    });
    const said = (await good(['cat', 'cli/bytes', '--json'])).split('\n')[0] ?? '';
    const { base64 } = JSON.parse(said) as { base64: string };
    expect(Buffer.from(base64, 'base64')).toEqual(Buffer.concat([Buffer.from(input), Buffer.from([0xff, 0xfe])]));
  });
});

describe('tail -f', () => {
  test('shows what comes, and ends when the stream is closed', async () => {
    await good(['create', 'cli/live']);
    await good(['append', 'cli/live', 'old']);
    const follower = await startCli(server, ['streams', 'tail', 'cli/live', '-f']);
    await follower.says('old\n');
    await good(['append', 'cli/live', 'new']);
    await follower.says('new\n');
    await good(['append', 'cli/live', 'last', '--close']);
    expect(await follower.exit).toMatchObject({ code: 0, stdout: 'old\nnew\nlast\n' });
  });

  test('Ctrl-C says how to go on, and going on repeats nothing', async () => {
    await good(['create', 'cli/stop']);
    await good(['append', 'cli/stop', 'one']);
    const follower = await startCli(server, ['streams', 'tail', 'cli/stop', '-f']);
    await follower.says('one');
    follower.child.kill('SIGINT');
    const { code, stderr } = await follower.exit;
    expect(code).toBe(130);
    const from = /tail cli\/stop -f --from (\S+)/.exec(stderr)?.[1] ?? '';
    await good(['append', 'cli/stop', 'two', '--close']);
    expect(await good(['tail', 'cli/stop', '-f', '--from', from])).toBe('two\n');
  });
});

describe('append --producer', () => {
  test('after a kill the next run sends what is left, and --continue leaves out what was taken', {
    timeout: 120_000,
  }, async () => {
    await good(['create', 'cli/ci']);
    const home = await tempDir();
    const count = 20_000;
    const input = Array.from({ length: count }, (_, n) => `${n}\n`).join('');
    const words = ['append', 'cli/ci', '--producer', 'ci', '--continue', '--outbox', join(home, 'ci.outbox')];
    /** How many requests of the writer are stored. */
    const stored = async (): Promise<number> => {
      const head = await server.call('/v1/stream/cli/ci', { method: 'HEAD' });
      return Number(head.headers.get('stream-next-offset')?.split('_')[1]);
    };
    for (let life = 1; life <= 3; life++) {
      const before = await stored();
      const writer = await startCli(server, ['streams', ...words], { env: { HOME: home }, input });
      await until(async () => (await stored()) > before + life || writer.child.exitCode !== null, { everyMs: 1 });
      writer.child.kill('SIGKILL');
      expect((await writer.exit).code).toBe(null);
    }
    await good(words, { env: { HOME: home }, input });
    expect((await good(['cat', 'cli/ci'])) === input).toBe(true);
    expect(await good(words, { env: { HOME: home }, input })).toBe('0 messages appended to cli/ci\n');
  });

  test('two at once with one outbox: the second is refused', async () => {
    const home = await tempDir();
    await good(['create', 'cli/two']);
    const first = await startCli(server, ['streams', 'append', 'cli/two', '--producer', 'p'], {
      env: { HOME: home },
      typing: true,
    });
    first.child.stdin?.write('one\n');
    await until(async () => (await good(['cat', 'cli/two'])) === 'one\n');
    const { code, stderr } = await run(['append', 'cli/two', 'x', '--producer', 'p'], { env: { HOME: home } });
    expect([code, stderr]).toEqual([5, expect.stringContaining('in use by another process')]);
    first.child.stdin?.end();
    expect((await first.exit).code).toBe(0);
  });
});

describe('the rest', () => {
  test('ls finds by prefix, inspect tells of one', async () => {
    await good(['create', 'list/a', '--type', 'application/json', '--ttl', '2h']);
    await good(['append', 'list/a', '1', '2']);
    await good(['create', 'list/b', '--closed']);
    const table = await good(['ls', 'list/']);
    expect(table.split('\n').map((line) => line.split(/\s+/)[0])).toEqual(['PATH', 'list/a', 'list/b', '']);
    expect(table).toMatch(/list\/a +application\/json +2 .*\n.*list\/b .*closed/);
    expect(await good(['ls', 'list/', '--closed'])).not.toContain('list/a');
    expect(await good(['ls', 'nothing/'])).toBe('');
    expect(await good(['inspect', 'list/a'])).toMatch(
      /messages {2}2 \(2 B\)\n.*\nkept {6}2 h 0 min after its last use/,
    );
    const [item] = (await good(['ls', 'list/a', '--json'])).split('\n');
    expect(JSON.parse(item ?? '')).toMatchObject({ path: 'list/a', messages: 2, ttlSeconds: 7200, closed: false });
  });

  test('a fork begins with what its source holds', async () => {
    await good(['create', 'cli/source']);
    await good(['append', 'cli/source', 'one', 'two']);
    await good(['create', 'cli/fork', '--fork', 'cli/source']);
    await good(['append', 'cli/fork', 'three']);
    expect(await good(['cat', 'cli/fork'])).toBe('one\ntwo\nthree\n');
    expect(await good(['cat', 'cli/source'])).toBe('one\ntwo\n');
  });

  test('rm and close ask first; without a terminal they need --yes', async () => {
    await good(['create', 'cli/gone']);
    expect((await run(['rm', 'cli/gone'])).code).toBe(2);
    expect((await run(['close', 'cli/gone'])).code).toBe(2);
    await good(['close', 'cli/gone', '--yes']);
    expect((await run(['append', 'cli/gone', 'x'])).code).toBe(5);
    await good(['rm', 'cli/gone', '--yes']);
    expect((await run(['cat', 'cli/gone'])).code).toBe(4);
    expect((await run(['append', 'cli/gone', 'x'])).code).toBe(4);
    expect((await run(['rm', 'cli/gone', '--yes'])).code).toBe(4);
  });

  test('a gap is said plainly; --no-gaps ends there', async () => {
    await good(['create', 'cli/trimmed']);
    const offsets: string[] = [];
    for (const line of ['1', '2', '3', '4']) {
      const said = JSON.parse(await good(['append', 'cli/trimmed', line, '--json'])) as { nextOffset: string };
      offsets.push(said.nextOffset);
    }
    const { body } = await server.ask<{ version: number }>('/v1/streams/cli%2Ftrimmed');
    const patched = await server.call('/v1/streams/cli%2Ftrimmed', {
      method: 'PATCH',
      headers: { 'if-match': `"${body.version}"` },
      json: { retention: { maxMessages: 1 } },
    });
    expect(patched.status).toBe(200);
    const from = ['--from', offsets[0] ?? ''];
    await until(async () => (await run(['cat', 'cli/trimmed', ...from, '--no-gaps'])).code === 4, { withinMs: 40_000 });
    const { code, stdout, stderr } = await run(['cat', 'cli/trimmed', ...from]);
    expect([code, stdout]).toEqual([0, '4\n']);
    expect(stderr).toMatch(/2 messages are missing here \(offset_trimmed\): .* Going on at /);
  });

  test('a token opens what it names and nothing else', async () => {
    await good(['create', 'cli/open']);
    const key = (await good(['token', 'cli/open', '--ttl', '5m'])).trim();
    expect((await runCli({ url: server.url, key }, ['streams', 'cat', 'cli/open'])).code).toBe(0);
    expect((await runCli({ url: server.url, key }, ['streams', 'cat', 'cli/text'])).code).not.toBe(0);
    expect(
      (await runCli({ url: server.url, key }, ['streams', 'append', 'cli/open', 'x', '--type', 'text/plain'])).code,
    ).toBe(3);
  });

  test('words that do not go together are refused', async () => {
    expect((await run(['append', 'cli/text', 'x', '--continue'])).code).toBe(2);
    expect((await run(['tail', 'cli/text', '-n', 'many'])).code).toBe(2);
    expect((await run(['cat', 'a/../b'])).code).toBe(2);
  });

  test('an outbox of another stream is refused, and stays as it is', async () => {
    const file = join(await tempDir(), 'p.outbox');
    await writeFile(file, 'my diary\n');
    const { code } = await run(['append', 'cli/text', 'x', '--producer', 'p', '--outbox', file]);
    expect([code, await readFile(file, 'utf8')]).toEqual([2, 'my diary\n']);
  });
});
