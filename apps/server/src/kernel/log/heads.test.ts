import { expect, test } from 'vitest';
import type { Db } from '#kernel/db';
import { StreamHead } from './head.ts';
import { Heads } from './heads.ts';
import { defaultLimits } from './limits.ts';
import type { StreamKey } from './log.ts';
import { type FoundStream, Store } from './store.ts';

const key: StreamKey = { projectId: 'p', path: 'one' };
const none: FoundStream = { kind: 'none' };

/** Rows say what stood in them when they were asked; the answer comes when the test lets it. */
class SlowStore extends Store {
  rows: FoundStream = none;
  readonly #answers: (() => void)[] = [];

  constructor() {
    super({} as Db, defaultLimits);
  }

  override at(): Promise<FoundStream> {
    const seen = this.rows;
    return new Promise((resolve) => this.#answers.push(() => resolve(seen)));
  }

  get asked(): number {
    return this.#answers.length;
  }

  answer(which: number): void {
    this.#answers[which]?.();
  }
}

function headOf(streamNo: number, tail: number, path = key.path): StreamHead {
  const head = new StreamHead({
    streamNo,
    key: { projectId: key.projectId, path },
    shard: 0,
    contentType: 'text/plain',
    eras: [{ era: streamNo, first: 1 }],
    createdAt: 0,
    configuration: {},
  });
  head.tail = tail;
  return head;
}

/** Memory for one stream: the next that comes in sends the one before to rest. */
class World {
  readonly store = new SlowStore();
  readonly heads = new Heads({ ...defaultLimits, headsMax: 1 }, this.store);
  #lsn = 0;

  /** A stream is born, its frames reach its row, and it leaves memory. */
  bornAndGone(streamNo: number, tail: number): void {
    const head = headOf(streamNo, tail);
    this.heads.insert(head);
    this.heads.shown(head);
    head.lastLsn = ++this.#lsn;
    const row = headOf(streamNo, tail);
    row.visible = true;
    this.store.rows = { kind: 'live', head: row };
    this.heads.flushed(++this.#lsn);
    head.used = false;
    expect(this.heads.makeRoom()).toBeUndefined();
    expect(this.heads.at(key)).toBeUndefined();
  }

  /** As everybody looks for a stream. */
  async find(): Promise<StreamHead | undefined> {
    const { heads } = this;
    while (!heads.at(key) && (await heads.load(key)) === 'present');
    return heads.at(key);
  }
}

test('a stream that is born, flushed and evicted while its path is looked up is found', async () => {
  const world = new World();
  const { store } = world;
  const found = world.find();
  expect(store.asked).toBe(1);
  world.bornAndGone(7, 3);
  store.answer(0);
  await expect.poll(() => store.asked).toBe(2);
  store.answer(1);
  expect(await found).toMatchObject({ streamNo: 7, tail: 3 });
});

test('what was buried at its path before that birth buries nothing', async () => {
  const world = new World();
  const { store } = world;
  store.rows = { kind: 'tombstone', era: 5 };
  const found = world.find();
  world.bornAndGone(7, 3);
  store.answer(0);
  await expect.poll(() => store.asked).toBe(2);
  expect(world.heads.tombstone(key)).toBeUndefined();
  store.answer(1);
  expect(await found).toMatchObject({ streamNo: 7 });
});

test('who asks behind such a birth does not join the look-up from before it', async () => {
  const world = new World();
  const { store } = world;
  const before = world.find();
  world.bornAndGone(7, 3);
  const after = world.find();
  expect(store.asked).toBe(2);
  store.answer(1);
  expect(await after).toMatchObject({ streamNo: 7, tail: 3 });
  // The first look-up ends last: what it saw is older than what is in memory by now.
  store.answer(0);
  expect(await before).toBe(await after);
  expect(store.asked).toBe(2);
});

test('without a birth all who ask share one look-up, and its answer counts', async () => {
  const world = new World();
  const { store } = world;
  const both = Promise.all([world.find(), world.find()]);
  expect(store.asked).toBe(1);
  store.answer(0);
  expect(await both).toEqual([undefined, undefined]);
  expect(store.asked).toBe(1);
});

test('a stream that came and was removed within one look-up is not there', async () => {
  const world = new World();
  const { store, heads } = world;
  const found = world.find();
  const head = headOf(7, 3);
  heads.insert(head);
  heads.shown(head);
  head.removing = true;
  heads.gone(head, 'deleted');
  heads.flushed(2);
  store.answer(0);
  expect(await found).toBeUndefined();
  expect(heads.tombstone(key)).toBe(7);
});
