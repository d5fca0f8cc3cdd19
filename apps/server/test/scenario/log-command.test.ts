/* The log of a server that is down: what is said about it, what is accepted, and that the server starts again then. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { arm } from '#kernel/base';
import { lockDataFolder, sql } from '#kernel/db';
import { acceptLogLoss, createLog, inspectLog, type Log, type LogReport, type StreamKey } from '#kernel/log';
import { testDatabase } from '#test/database';
import { type Ran, runProgram, tempFolder } from '#test/muster-child';
import { until } from '#test/until';

// Each command is two processes; on a busy machine that takes seconds.
const patient = { timeout: 180_000 };
const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.wipe());

const key: StreamKey = { projectId: 'prj_a', path: 'chat/1' };
const other: StreamKey = { projectId: 'prj_a', path: 'chat/2' };

const open = async (folder: string): Promise<Log> => {
  const log = createLog({
    driver: 'disk',
    dir: join(folder, 'log'),
    db: database.db,
    node: { id: 'here', url: '' },
    limits: { segmentBytes: 1024 * 1024, diskFreeBytesMin: 1, spareDelayMs: 3600_000 },
    fatal: (error) => {
      throw error;
    },
  });
  await log.start();
  return log;
};
const put = (log: Log, of: StreamKey, text: string): Promise<unknown> =>
  log.append({ key: of, messages: [Buffer.from(text)] });

/** A folder with a log of which nothing past the first messages is in Postgres. */
async function written(): Promise<string> {
  const folder = await tempFolder();
  const log = await open(folder);
  for (const of of [key, other]) await log.create({ key: of, contentType: 'text/plain' });
  await put(log, key, 'flushed');
  await until(async () => {
    const { flushedTo, tip } = await log.barrier();
    return flushedTo === tip;
  });
  const away = arm('log.beforeFlush', () => {
    throw new Error('the database is away');
  });
  for (let i = 1; i <= 5; i++) {
    await put(log, key, `message-${i}`);
    await put(log, other, `other-${i}`);
  }
  await log[Symbol.asyncDispose]();
  away[Symbol.dispose]();
  return folder;
}
async function damage(folder: string, text: string): Promise<void> {
  const path = join(folder, 'log', '0000000000000001.wal');
  const bytes = await readFile(path);
  const at = bytes.indexOf(text);
  expect(at).toBeGreaterThan(0);
  bytes.write('XXXX', at);
  await writeFile(path, bytes);
}
const here = { DATABASE_URL: database.url, MUSTER_NODE_NAME: 'here' };
const tend = (folder: string, words: readonly string[]): Promise<Ran> =>
  runProgram('cli', ['log', ...words, '--data', folder], here);
/** What the command would say, without the two processes it takes. */
const lookedAt = (folder: string): Promise<LogReport> => inspectLog(placeOf(folder));
const placeOf = (folder: string): Parameters<typeof inspectLog>[0] => ({
  dir: join(folder, 'log'),
  db: database.db,
  limits: { segmentBytes: 1024 * 1024, diskFreeBytesMin: 1 },
});
async function inspected(folder: string): Promise<LogReport & { exit: number | null }> {
  const { code, stdout, stderr } = await tend(folder, ['inspect', '--json']);
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as LogReport), exit: code };
}

test('a log that is well: said so, and nothing is changed', patient, async () => {
  const folder = await written();
  const before = await readFile(join(folder, 'log', '0000000000000001.wal'));
  const report = await inspected(folder);
  expect(report).toMatchObject({
    exit: 0,
    verdict: 'clean',
    needs: 'nothing',
    findings: [],
    losses: [],
    quarantined: [],
  });
  expect(report.unflushedBytes).toBeGreaterThan(0);
  expect(report.segments).toMatchObject([{ no: 1, state: 'open' }]);
  expect(Buffer.compare(before, await readFile(join(folder, 'log', '0000000000000001.wal')))).toBe(0);
  const { code, stdout } = await tend(folder, ['inspect']);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^clean: .*\n[^]*The server starts as it is\.\n/)]);
  expect((await tend(folder, ['accept-loss'])).stdout).toContain('Nothing has to be accepted');
});

test(
  'damage: where, which streams for certain, what to type; accepted, the server starts and readers meet a gap',
  patient,
  async () => {
    const folder = await written();
    await damage(folder, 'message-3');
    const report = await inspected(folder);
    expect(report).toMatchObject({
      exit: 1,
      verdict: 'damaged',
      needs: 'loss',
      reason: 'log_damaged',
      tailsUncertain: true,
      losses: [{ ...key, from: 4, to: 4 }],
    });
    expect((await lookedAt(folder)).fingerprint).toBe(report.fingerprint);
    const { stdout } = await tend(folder, ['inspect']);
    expect(stdout).toContain('chat/1 (prj_a) 4');
    expect(stdout).toContain('muster log accept-loss');

    const refused = await runProgram('server', ['--data', folder, '--port', '0'], here);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/damaged or missing: segment 1, bytes \d+ to \d+/);
    expect(refused.stderr).toContain('`muster log inspect`');
    expect(refused.stderr).toContain('`muster log accept-loss`');

    const unasked = await tend(folder, ['accept-loss']);
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    expect((await lookedAt(folder)).verdict).toBe('damaged');
    const accepted = await tend(folder, ['accept-loss', '--yes', '--json']);
    expect(accepted.stderr).toBe('');
    expect([accepted.code, JSON.parse(accepted.stdout)]).toMatchObject([
      0,
      { accepted: 'loss', after: { needs: 'nothing' } },
    ]);
    expect((await lookedAt(folder)).quarantined).toEqual(['0000000000000001.wal.damaged']);

    const log = await open(folder);
    const page = await log.read(key, 'start', { bytes: 1024, messages: 100 });
    expect(page.messages.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    await expect(log.read(key, page.next, { bytes: 1024, messages: 100 })).rejects.toMatchObject({
      reason: 'positions_lost',
    });
    await log[Symbol.asyncDispose]();
  },
);

test(
  'a database from another time, and an empty folder: which one, both ways out; accepted, the files are put aside',
  patient,
  async () => {
    const folder = await written();
    await database.db.transaction((tx) => tx.query(sql`update log_cursors set wal_id = ${crypto.randomUUID()}`));
    const report = await inspected(folder);
    expect(report).toMatchObject({ exit: 1, verdict: 'misfit', reason: 'log_other', needs: 'restored' });
    expect(report.setAside).toMatchObject({ appends: 11, streams: 2 });
    const accepted = await tend(folder, ['accept-loss', '--yes']);
    expect([accepted.code, accepted.stdout]).toEqual([0, expect.stringContaining('Start the server.')]);
    expect(await lookedAt(folder)).toMatchObject({
      verdict: 'clean',
      quarantined: ['0000000000000001.wal.replaced'],
    });
    await rename(join(folder, 'log'), join(folder, 'elsewhere'));
    expect(await inspected(folder)).toMatchObject({ exit: 1, reason: 'log_missing', needs: 'restored', segments: [] });
  },
);

test('what was shown is what is accepted: damage that came in between is not', patient, async () => {
  const folder = await written();
  await damage(folder, 'message-3');
  const { fingerprint } = await lookedAt(folder);
  await damage(folder, 'other-4');
  await expect(acceptLogLoss({ ...placeOf(folder), fingerprint })).rejects.toMatchObject({
    reason: 'log_report_changed',
  });
});

test(
  'beside a running server: refused by name; with no database there, said so; a wrong word ends with 2',
  patient,
  async () => {
    const folder = await written();
    {
      await using _ = await lockDataFolder(folder, { instance: 'the-server', url: 'http://here:4000' });
      const { code, stderr } = await tend(folder, ['inspect']);
      expect([code, stderr]).toEqual([5, expect.stringContaining('http://here:4000')]);
    }
    const log = await open(folder);
    const { code, stderr } = await tend(folder, ['inspect', '--json']);
    expect([code, JSON.parse(stderr)]).toMatchObject([5, { code: 'conflict', reason: 'log_folder_in_use' }]);
    await log[Symbol.asyncDispose]();

    const nothing = await tempFolder();
    const none = await runProgram('cli', ['log', 'inspect', '--data', nothing]);
    expect([none.code, none.stderr]).toEqual([4, expect.stringContaining('There is no database')]);
    expect((await runProgram('cli', ['log', 'verify'])).code).toBe(2);
    expect((await runProgram('cli', ['log', 'inspect', '--dat', nothing])).code).toBe(2);
  },
);
