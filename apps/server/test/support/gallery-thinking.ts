/**
 * The thinking half with every real part beneath it, on a test's database: sandbox gallery without a socket, target client,
 * budgets, offline mind. The owning half is played by the test: it holds all shards under one term and says who is due.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRaster, drawScene } from '#gallery/images';
import {
  createThinking,
  type Due,
  type Emitted,
  FleetView,
  type Happening,
  type ThinkEnd,
  type Thinking,
  type ThinkingDeps,
} from '#gallery/loop';
import { createImprov, createMinds, mindsFrom } from '#gallery/minds';
import type { BotRow, Mind } from '#gallery/model';
import { builtInPersonas, drawBot } from '#gallery/personas';
import { createSandbox, type Sandbox } from '#gallery/sandbox';
import { createTargets, type Targets } from '#gallery/targets';
import { createAuth, defaultProjectId } from '#kernel/auth';
import { type Clock, FakeClock, Limits, must } from '#kernel/base';
import { openDiskBlobs } from '#kernel/blobs';
import { inProcessBus } from '#kernel/bus';
import { type Db, sql } from '#kernel/db';
import { createBudgets } from '#kernel/meter';
import { createOutbound } from '#kernel/outbound';
import { createQueue } from '#kernel/queue';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { readBots } from '../../src/gallery/loop/queries/close.ts';
import { ensureFleet } from '../../src/gallery/queries/fleet.ts';
import { relaxedDb } from '../../src/gallery/relaxed-db.ts';
import { seededId } from '../../src/gallery/seeded-id.ts';

export const project = defaultProjectId;
export const startsAt = Date.UTC(2026, 4, 12, 14);

export type World = AsyncDisposable & {
  db: Db;
  clock: FakeClock;
  thinking: Thinking;
  view: FleetView;
  sandbox: Sandbox;
  targets: Targets;
  told: Happening[];
  emitted: Emitted[];
  failures: Record<string, unknown>[];
  /** Draws bots of the built-in personas, with accounts in the sandbox. All run and are due at the start. */
  seed(count: number, traits?: object): Promise<BotRow[]>;
  /** Lives on for so long: every bot thinks when its row says so. Answers what came of each think. */
  live(ms: number, tickMs?: number): Promise<ThinkEnd[]>;
  /** Lives on a little at a time until this is over: for whatever waits for the clock. */
  until<T>(pending: Promise<T>): Promise<T>;
  /** One batch now. */
  think(bots: readonly BotRow[], more?: Partial<Due>): Promise<ThinkEnd[]>;
  bots(): Promise<BotRow[]>;
  /** A call of the contract as somebody, a bot by its username. */
  call(
    method: string,
    path: string,
    body?: object,
    agent?: string,
  ): Promise<{ status: number; body: Record<string, unknown> }>;
};
export type WorldOptions = {
  seed?: number;
  deps?: Partial<ThinkingDeps>;
  /** Minds by their names, beside the real ones. */
  minds?: Readonly<Record<string, Mind>>;
  ordered?: boolean;
  /** The sandbox takes acts as it does while a day is simulated: those of a batch in one transaction. */
  hurried?: boolean;
  /** Under which term this process holds all shards. */
  term?: bigint;
  /** Where blobs lie, when several lives share them. */
  folder?: string;
  /** Another clock than the world's own, for all parts: a simulated one. */
  clock?: Clock;
};

export async function thinkingWorld(db: Db, options: WorldOptions = {}): Promise<World> {
  const stack = new AsyncDisposableStack();
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'muster-thinking-')));
  if (options.folder === undefined) stack.defer(() => rm(folder, { recursive: true, force: true }));
  const term = options.term ?? 1n;
  const worldClock = new FakeClock(startsAt);
  const clock = options.clock ?? worldClock;
  const failures: Record<string, unknown>[] = [];
  const logger = { ...silentLogger, error: (fields: object) => void failures.push(fields as Record<string, unknown>) };
  const metrics = loneMetrics(silentLogger);
  const telemetry = { logger, metrics, [Symbol.asyncDispose]: () => Promise.resolve() };
  const random = () => 0.5;
  const bus = inProcessBus(() => undefined);
  const blobs = stack.use(await openDiskBlobs({ folder: join(folder, 'blobs') }));
  const auth = createAuth({
    db,
    bus,
    clock,
    logger,
    metrics,
    environmentKeys: [],
    failuresPerMinuteMax: 10_000,
    auditKeepDays: 30,
  });
  const told: Happening[] = [];
  const emitted: Emitted[] = [];
  const publicBase = 'http://gallery.test';
  const raster = stack.use(createRaster({ threads: 1, clock }));
  const sandbox = createSandbox({
    db,
    blobs,
    bus,
    auth,
    clock,
    limits: new Limits(),
    telemetry,
    raster,
    currentPerson: () => Promise.resolve(undefined),
    basePath: '',
    publicBase,
    csrfKey: Buffer.alloc(32),
    ...(options.hurried === true ? { fleet: { db: relaxedDb(db, () => true), hurried: () => true, clock } } : {}),
  });
  const targets = createTargets({
    db,
    queue: createQueue({ db, bus, holder: 'test', logger, metrics }),
    auth,
    clock,
    random,
    limits: new Limits(),
    outbound: createOutbound({ clock, metrics, allow: [], loopback: true }),
    telemetry,
    secrets: { seal: (plain) => Buffer.from(plain), open: (sealed) => Buffer.from(sealed) },
    config: { version: 'test' },
    pngOf: (svg) => raster.png(svg, 1_024),
    sandbox: (projectId) => sandbox.transport(projectId, { clock }),
    setGate: () => Promise.resolve(),
    botsChanged: () => Promise.resolve(),
    targetChanged: () => Promise.resolve(),
    tell: () => undefined,
    emit: () => undefined,
  });
  const real = createMinds({ config: mindsFrom({}), improv: createImprov(), clock, random, logger, metrics });
  const minds: ThinkingDeps['minds'] = {
    mind: (name, choice) => options.minds?.[name ?? ''] ?? real.mind(name, choice),
    paintImage: (...args) => real.paintImage(...args),
    imageBound: (...args) => real.imageBound(...args),
    imageProvider: (name) => real.imageProvider(name),
  };
  const view = new FleetView(db, () => 'improv');
  const budgets = createBudgets({ db, clock, logger });
  const thinking = stack.use(
    createThinking({
      db,
      clock,
      telemetry,
      view,
      budgets,
      minds,
      targets,
      draw: drawScene,
      pictures: {
        store: async ({ bytes }) => {
          const { blobId, path } = await sandbox.storeScene(Buffer.from(bytes).toString('utf8'));
          return { blobId, mimeType: 'image/svg+xml', publicUrl: `${publicBase}${path}`, bytes: async () => bytes };
        },
        again: (stored) => ({ ...stored, bytes: () => Promise.reject(new Error('nobody asks for them')) }),
      },
      profileUrl: (_, username) => `${publicBase}/sandbox/u/${username}`,
      tell: (_, rows) => void told.push(...rows),
      emit: (_, events) => void emitted.push(...events),
      counts: noCounts,
      nodeId: 'test',
      ordered: options.ordered ?? true,
      ...options.deps,
    }),
  );
  await db.transaction((tx) => ensureFleet(tx, project, `${publicBase}/sandbox`));
  await db.query(sql`update gallery_fleets set seed = ${options.seed ?? 1}`);
  await db.query(sql`
    insert into gallery_shards (shard, owner, term, expires_at)
    select n, 'test', ${term}::bigint, 'infinity' from generate_series(0, 63) s(n)
    on conflict (shard) do update set owner = 'test', term = ${term}::bigint, expires_at = 'infinity'`);
  for (const persona of builtInPersonas()) {
    await db.query(sql`
      insert into gallery_personas (project_id, id, body, built_in) values (${project}, ${persona.id}, ${JSON.stringify(persona)}::jsonb, true)
      on conflict do nothing`);
  }
  await view.look();

  const world: World = {
    db,
    clock: worldClock,
    thinking,
    view,
    sandbox,
    targets,
    told,
    emitted,
    failures,
    seed: (count, traits) => seedBots(world, options.seed ?? 1, count, traits),
    live: (ms, tickMs = 250) => live(world, term, ms, tickMs),
    think: (bots, more = {}) =>
      thinking.think(
        bots.map((bot) => ({ ...dueNow(bot, bot.nextThinkAt ?? clock.now(), term), ...more })),
        clock.now(),
      ),
    until: async (pending) => {
      const state = { over: false };
      const ended = (): void => void (state.over = true);
      pending.then(ended, ended);
      while (!state.over) {
        for (let n = 0; n < 10; n++) await db.query(sql`select pg_sleep(0.005)`);
        await worldClock.advance(100);
      }
      return await pending;
    },
    bots: async () => {
      const ids = await db.query<{ id: string }>(sql`select id from gallery_bots order by id`);
      return readBots(
        db,
        ids.map(({ id }) => id),
      ).then((rows) => rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
    },
    async call(method, path, body, agent) {
      const answer = await sandbox.transport(project, { clock })({
        method: method as 'GET',
        path,
        headers: { 'content-type': 'application/json', ...(agent === undefined ? {} : { 'x-agent-id': agent }) },
        ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
        timeoutMs: 5_000,
        bodyBytesMax: 2 ** 21,
        signal: new AbortController().signal,
      });
      const text = Buffer.from(answer.body).toString();
      return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  return world;
}

const noCounts: ThinkingDeps['counts'] = {
  thinks: { add: () => undefined },
  actions: { add: () => undefined },
  skips: { add: () => undefined },
  guards: { add: () => undefined },
};

const dueNow = (bot: BotRow, dueAt: number, term: bigint): Due => ({
  bot,
  dueAt,
  term,
  signal: new AbortController().signal,
  may: () => true,
});

async function seedBots(world: World, seed: number, count: number, traits: object = {}): Promise<BotRow[]> {
  const { db, clock, targets } = world;
  const personas = builtInPersonas();
  const client = await targets.of(project, 'sandbox');
  const taken = new Set<string>();
  for (let index = 0; index < count; index++) {
    const drawn = drawBot({ seed, index, personas });
    const username = must(
      [...drawn.usernames()].find((name) => !taken.has(name)),
      'a free username',
    );
    taken.add(username);
    const id = seededId({ projectId: project, targetId: 'sandbox', seed }, index);
    await db.query(sql`
      insert into gallery_bots (id, project_id, shard, name, username, target_id, persona_id, traits, seed, desired, state,
                                next_think_at, provision, created_at)
      values (${id}, ${project}, ${index % 64}, ${drawn.name}, ${username}, 'sandbox', ${drawn.personaId},
              ${JSON.stringify({ ...drawn.traits, ...traits })}::jsonb, ${drawn.seed}, 'running', 'running',
              ${new Date(clock.now() + index * 1_000)}, 'done', ${new Date(clock.now())})`);
    await client.provision({
      botId: id,
      name: drawn.name,
      username,
      bio: 'automated account',
      personaId: drawn.personaId,
    });
  }
  return world.bots();
}

/** The owner's part, as the simulated clock has it: time jumps to the next tick at which somebody is due. */
async function live(world: World, term: bigint, ms: number, tickMs: number): Promise<ThinkEnd[]> {
  const { clock, thinking } = world;
  const end = clock.now() + ms;
  const rows = new Map((await world.bots()).map((bot) => [bot.id, bot]));
  const later = new Map<string, number>();
  const ends: ThinkEnd[] = [];
  const timeOf = (bot: BotRow): number | null =>
    bot.desired === 'running' && bot.state === 'running'
      ? Math.max(later.get(bot.id) ?? 0, bot.nextThinkAt ?? clock.now())
      : null;
  for (;;) {
    let next = Number.POSITIVE_INFINITY;
    for (const bot of rows.values()) next = Math.min(next, timeOf(bot) ?? next);
    const tick = Math.ceil(next / tickMs) * tickMs;
    if (tick > end) break;
    if (tick > clock.now()) await clock.advance(tick - clock.now());
    const batch: Due[] = [];
    for (const bot of rows.values()) {
      const at = timeOf(bot);
      if (at !== null && at <= tick) batch.push(dueNow(bot, at, term));
    }
    for (const told of await thinking.think(batch, clock.now())) {
      ends.push(told);
      if (told.row) rows.set(told.botId, told.row);
      later.delete(told.botId);
      if (!told.row) later.set(told.botId, Math.max(told.againAt ?? 0, clock.now() + 1_000));
    }
  }
  if (end > clock.now()) await clock.advance(end - clock.now());
  return ends;
}
