import type { ActivityQuery, FeedEntry, ProjectEventRecord } from '@muster/protocol';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { defaultProjectId, systemPrincipal, writeAudit } from '#kernel/auth';
import { FakeClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { createLog, type Log } from '#kernel/log';
import { silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import { runningLimits } from './limits.ts';
import { listActivity } from './list-activity.ts';
import { ProjectEvents, projectEventsKey } from './project-events.ts';

const database = await testDatabase();
const { db } = database;
const who = systemPrincipal();
const clock = new FakeClock(Date.now());
let log: Log;
beforeEach(async () => {
  await database.wipe();
  log = createLog({ driver: 'memory', clock, events: {} });
  await log.start();
});
afterEach(() => log[Symbol.asyncDispose]());
afterAll(() => database[Symbol.asyncDispose]());

const audit = (action: string, subject = 'x'): Promise<void> =>
  db.transaction((tx) => writeAudit(tx, { who, action, subject, after: { secret: 'value' }, address: '10.0.0.1' }));
async function told(projectId = defaultProjectId): Promise<ProjectEventRecord[]> {
  const page = await log.read(projectEventsKey(projectId), 'start', { bytes: 2 ** 22, messages: 10_000 });
  return page.messages.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as ProjectEventRecord);
}
const publisher = async (): Promise<ProjectEvents> => {
  const events = new ProjectEvents({ db, log, clock, logger: silentLogger });
  await events.start();
  return events;
};

test('changes of people come to the stream once, also over a restart, without values', async () => {
  await audit('key.created', 'key_1');
  await audit('builds.evict', 'bld_1');
  {
    await using events = await publisher();
    await events.published();
    await events.published();
    await audit('key.revoked', 'key_1');
    await events.published();
  }
  await audit('key.rotated', 'key_2');
  await using again = await publisher();
  await again.published();
  const records = await told();
  expect(records.map(({ action }) => action)).toEqual(['key.created', 'key.revoked', 'key.rotated']);
  expect(JSON.stringify(records)).not.toMatch(/value|10\.0\.0\.1/);
});

test('a change whose transaction began early and ended late is not passed over', async () => {
  await using events = await publisher();
  let ended: () => void = () => undefined;
  const late = db.transaction(async (tx) => {
    await tx.query(sql`select 1`);
    await new Promise<void>((end) => (ended = end));
    await writeAudit(tx, { who, action: 'person.joined', subject: 'usr_1' });
  });
  await audit('key.created');
  await events.published();
  expect((await told()).map(({ action }) => action)).toEqual(['key.created']);
  ended();
  await late;
  await events.published();
  expect((await told()).map(({ action }) => action)).toEqual(['key.created', 'person.joined']);
});

const asked = (more: Partial<ActivityQuery> = {}): ActivityQuery => ({ limit: 50, ...more });
const at = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();
async function seed(count: number): Promise<void> {
  for (const path of ['builds/events', 'gallery/activity'])
    await log.create({ key: { projectId: defaultProjectId, path }, contentType: 'application/json' });
  const builds = Array.from({ length: count }, (_, n) => ({ id: n, type: 'started', at: at(2 * n), buildId: 'bld_1' }));
  const acts = Array.from({ length: count }, (_, n) => ({
    seq: n,
    id: `act_${n}`,
    botId: 'gbt_1',
    botName: 'Moss',
    type: 'post',
    message: `picture ${n}`,
    at: at(2 * n + 1),
    data: {},
  }));
  for (const [path, records] of [
    ['builds/events', builds],
    ['gallery/activity', acts],
  ] as const)
    await log.append({
      key: { projectId: defaultProjectId, path },
      messages: records.map((record) => Buffer.from(JSON.stringify(record))),
    });
}
async function everything(more: Partial<ActivityQuery>): Promise<{ entries: FeedEntry[]; pages: number }> {
  const entries: FeedEntry[] = [];
  let cursor: string | null | undefined;
  let pages = 0;
  do {
    const page = await listActivity(log, who, asked({ ...more, ...(cursor ? { cursor } : {}) }));
    entries.push(...page.items);
    cursor = page.nextCursor;
    pages += 1;
  } while (cursor !== null && pages < 1_000);
  return { entries, pages };
}

test('two streams longer than a piece are one list, newest first, each entry once', async () => {
  const count = runningLimits.activityChunk + 7;
  await seed(count);
  const { entries } = await everything({ limit: 100 });
  expect(entries.map((entry) => entry.at)).toEqual(Array.from({ length: 2 * count }, (_, n) => at(n)).toReversed());
  const later = await listActivity(log, who, asked({ since: at(2 * count - 4) }));
  expect(later.items).toHaveLength(4);
  expect(later.nextCursor).toBeNull();
});

test('a filter looks at a bounded number of records for a page, and the cursor leads on past it', async () => {
  await seed(runningLimits.activityScanMax);
  const first = await listActivity(log, who, asked({ q: 'picture 3', limit: 5_000 }));
  expect(first.nextCursor).not.toBeNull();
  const { entries, pages } = await everything({ q: 'PICTURE 12', kind: 'gallery.*' });
  expect(entries.map(({ text }) => text)).toContain('picture 12');
  expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
  expect(pages).toBeGreaterThan(2);
}, 30_000);

test('two processes tell each change once between them', async () => {
  await using one = await publisher();
  await using other = await publisher();
  for (let n = 0; n < 6; n++) {
    await audit(`key.n${n}`);
    await (n % 2 === 0 ? one : other).published();
    await Promise.all([one.published(), other.published()]);
  }
  expect((await told()).map(({ action }) => action)).toEqual(Array.from({ length: 6 }, (_, n) => `key.n${n}`));
});
