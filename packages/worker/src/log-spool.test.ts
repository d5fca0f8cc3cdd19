import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster/protocol';
import { describe, expect, test } from 'vitest';
import { tempDir } from '../test/support/temp-dir.ts';
import { until } from '../test/support/until.ts';
import { LogSegments } from './log-segments.ts';
import { type AppendCall, sendLog } from './log-sender.ts';
import { type LogLine, LogSpool } from './log-spool.ts';
import { Mask } from './mask.ts';
import { silentLog } from './worker-log.ts';

const noMask = new Mask([]);
const failOnBroken = (error: unknown): never => {
  throw error;
};
const away = (reason = 'server_away'): MusterError => new MusterError('unavailable', { reason, detail: 'away' });

/** A log as the server keeps it: it trims what it has and refuses holes. */
function serverLog(): { lines: LogLine[]; append: AppendCall; sizes: number[] } {
  const lines: LogLine[] = [];
  const sizes: number[] = [];
  const append: AppendCall = (offset, batch) => {
    if (offset > lines.length)
      throw new MusterError('conflict', {
        reason: 'log_gap',
        detail: 'a hole',
        extra: { expectedOffset: lines.length },
      });
    sizes.push(batch.length);
    lines.push(...batch.slice(lines.length - offset));
    return Promise.resolve({ offset: lines.length });
  };
  return { lines, append, sizes };
}

describe('segments', () => {
  test('lines come back in order over many files, and files go away once acknowledged', async () => {
    const dir = await tempDir();
    const segments = await LogSegments.open(dir);
    const big = 'x'.repeat(100_000);
    for (let i = 0; i < 300; i += 1) await segments.append([JSON.stringify({ text: `${i} ${big}` })]);
    expect((await readdir(dir)).length).toBeGreaterThan(3);
    for (let next = 0; next < 300; ) {
      const batch = await segments.read(5_000, 500_000);
      expect(batch.from).toBe(next);
      expect(batch.records[0]).toContain(`"${next} `);
      next += batch.records.length;
      await segments.acknowledge(next);
    }
    expect(segments.unsentBytes).toBe(0);
    expect((await readdir(dir)).length).toBe(1);
    await segments.close();
  });

  test('reading repeats until acknowledged; part of a batch may be acknowledged', async () => {
    const segments = await LogSegments.open(await tempDir());
    await segments.append(['"a"', '"b"', '"c"']);
    expect((await segments.read(2, 1_000)).records).toEqual(['"a"', '"b"']);
    expect((await segments.read(2, 1_000)).records).toEqual(['"a"', '"b"']);
    await segments.acknowledge(1);
    expect(await segments.read(9, 1_000)).toMatchObject({ from: 1, records: ['"b"', '"c"'] });
    // One record longer than the limit still goes.
    expect((await segments.read(9, 1)).records).toEqual(['"b"']);
    await segments.close();
  });

  test('a killed worker goes on with the whole lines it wrote, under new names', async () => {
    const dir = await tempDir();
    const before = await LogSegments.open(dir);
    await before.append(['"a"', '"b"']);
    await before.close();
    await appendFile(join(dir, (await readdir(dir))[0] ?? ''), '"torn');
    const after = await LogSegments.open(dir);
    expect(after.end).toBe(2);
    await after.append(['"c"']);
    expect((await after.read(9, 1_000)).records).toEqual(['"a"', '"b"']);
    await after.acknowledge(2);
    expect(await after.read(9, 1_000)).toMatchObject({ from: 2, records: ['"c"'] });
    await after.close();
  });
});

describe('sending', () => {
  test('100 000 lines in order while answers get lost and the server goes away', async () => {
    const spool = await LogSpool.open(await tempDir(), noMask, failOnBroken);
    const server = serverLog();
    let calls = 0;
    const sending = sendLog(
      spool,
      async (offset, lines, signal) => {
        calls += 1;
        if (calls % 5 === 2) throw away();
        const answer = await server.append(offset, lines, signal);
        if (calls % 5 === 4) throw away();
        return answer;
      },
      silentLog,
      new AbortController().signal,
    );
    for (let i = 0; i < 100_000; i += 1) {
      spool.output(`line ${i}`, 'stdout');
      if (i % 1_000 === 0) await spool.room();
    }
    await spool.close();
    expect(await sending).toBe('sent');
    expect(server.lines.map((line) => line.text)).toEqual(Array.from({ length: 100_000 }, (_, i) => `line ${i}`));
    expect(Math.max(...server.sizes)).toBeLessThanOrEqual(5_000);
    await spool.dispose();
  });

  test('lines that come together leave together', async () => {
    const spool = await LogSpool.open(await tempDir(), noMask, failOnBroken);
    const server = serverLog();
    const sending = sendLog(spool, server.append, silentLog, new AbortController().signal);
    for (let i = 0; i < 50; i += 1) {
      spool.output(`line ${i}`, 'stdout');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('the lines are sent', () => server.lines.length === 50);
    expect(server.sizes.length).toBeLessThanOrEqual(2);
    await spool.close();
    expect(await sending).toBe('sent');
    await spool.dispose();
  });

  test('full: the rest becomes a text file, in order', async () => {
    const dir = await tempDir();
    await mkdir(join(dir, 'log'));
    const spool = await LogSpool.open(join(dir, 'log'), noMask, failOnBroken);
    const server = serverLog();
    const sending = sendLog(
      spool,
      async (offset, lines, signal) => {
        if (offset >= 1) throw new MusterError('exhausted', { reason: 'log_full', detail: 'full' });
        return server.append(offset, lines.slice(0, 1), signal);
      },
      silentLog,
      new AbortController().signal,
    );
    spool.output('one', 'stdout');
    spool.output('two', 'stderr');
    expect(await sending).toBe('full');
    spool.say('three');
    await spool.close();
    expect(await spool.writeRest(join(dir, 'rest.txt'))).toBe(true);
    expect(await readFile(join(dir, 'rest.txt'), 'utf8')).toBe('two\nthree\n');
    await spool.dispose();
  });

  test('a full buffer makes the command wait, and never drops a line', async () => {
    const spool = await LogSpool.open(await tempDir(), noMask, failOnBroken, 10_000);
    const server = serverLog();
    let open = false;
    const append: AppendCall = async (...args) => {
      if (!open) throw away();
      return server.append(...args);
    };
    const sending = sendLog(spool, append, silentLog, new AbortController().signal);
    let given = 0;
    const writing = (async () => {
      for (; given < 1_000; given += 1) {
        spool.output(`${given} ${'x'.repeat(90)}`, 'stdout');
        await spool.room();
      }
    })();
    await until('the buffer is full', () => spool.unsentBytes > 10_000);
    await until('the writer waits', async () => {
      const before = given;
      await new Promise((resolve) => setImmediate(resolve));
      return given === before && given < 200;
    });
    open = true;
    await writing;
    await spool.close();
    expect(await sending).toBe('sent');
    expect(server.lines).toHaveLength(1_000);
    await spool.dispose();
  });

  test('the server has more than we know: the overlap is skipped', async () => {
    const dir = await tempDir();
    const spool = await LogSpool.open(dir, noMask, failOnBroken);
    for (const text of ['a', 'b', 'c']) spool.output(text, 'stdout');
    await spool.dispose();
    const server = serverLog();
    server.lines.push({ text: 'a' }, { text: 'b' });
    const again = await LogSpool.open(dir, noMask, failOnBroken);
    await again.close();
    expect(await sendLog(again, server.append, silentLog, new AbortController().signal)).toBe('sent');
    expect(server.lines.map((line) => line.text)).toEqual(['a', 'b', 'c']);
    await again.dispose();
  });

  test('an old term ends the sending', async () => {
    const spool = await LogSpool.open(await tempDir(), noMask, failOnBroken);
    spool.output('a', 'stdout');
    const stale: AppendCall = () =>
      Promise.reject(new MusterError('conflict', { reason: 'stale_term', detail: 'old' }));
    expect(await sendLog(spool, stale, silentLog, new AbortController().signal)).toBe('refused');
    await spool.dispose();
  });

  test('the worker’s own lines are masked and split', async () => {
    const spool = await LogSpool.open(await tempDir(), new Mask(['top-secret-value']), failOnBroken);
    spool.say('one top-secret-value\ntwo', 'warn');
    const batch = await spool.read(9, 1_000);
    expect(batch.records.map((record) => JSON.parse(record) as LogLine)).toMatchObject([
      { text: 'one ***', level: 'warn', source: 'worker' },
      { text: 'two', level: 'warn', source: 'worker' },
    ]);
    await spool.dispose();
  });

  test('a disk that does not take lines is told, and nobody waits for it', async () => {
    const dir = join(await tempDir(), 'log');
    await mkdir(dir);
    let broken: unknown;
    const spool = await LogSpool.open(dir, noMask, (error) => (broken = error));
    await rm(dir, { recursive: true });
    spool.output('lost', 'stdout');
    await until('it is told', () => broken);
    spool.output('x'.repeat(2_000_000), 'stdout');
    await spool.room();
    expect(await sendLog(spool, serverLog().append, silentLog, new AbortController().signal)).toBe('sent');
    await spool.dispose();
  });
});
