/* What a target says of accounts, and who of them is a bot; what bots say of themselves. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { ThinkEnd, ThinkingDeps } from '#gallery/loop';
import { type BotRow, type Decision, type Mind, type Situation, TargetError, type TargetFault } from '#gallery/model';
import type { TargetClient } from '#gallery/targets';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { project, thinkingWorld, type World } from '#test/gallery-thinking';

const database = await testDatabase();
const { db } = database;
beforeEach(() => database.wipe());
afterAll(() => database[Symbol.asyncDispose]());

const nothing: Decision = { do: 'nothing', on: -1, why: 'so', text: '', prompt: '', caption: '', alt: '', tags: [] };
type Answer = (situation: Situation) => Partial<Decision>;
const mindThat = (answer: Answer): Mind => ({
  name: 'script',
  kind: 'free',
  bound: () => ({ tokensIn: 0, tokensOut: 0, costMicros: 0, images: 0 }),
  think: async (situation) => ({
    decision: { ...nothing, ...answer(situation) },
    mind: 'script',
    tokens: { in: 0, out: 0 },
    costMicros: 0,
    calls: 0,
    latencyMs: 1,
    injectionsSeen: 0,
  }),
});
const scripted = { mind: 'script', decide: 'mind' } as const;
const likes: Answer = () => ({ do: 'like', on: 0 });
const results = (ends: readonly ThinkEnd[]) =>
  ends.map(({ result, reason }) => (reason === null ? result : `${result} ${reason}`));
const forbidden: TargetFault = { kind: 'account', reason: 'target_forbidden' };
const refuse = (): never => {
  throw new TargetError(forbidden, 'this account may not');
};

/** A world whose target client a test may change. */
async function worldWith(answer: Answer, change: (client: TargetClient) => Partial<TargetClient>): Promise<World> {
  const ref: { world?: World } = {};
  const targets: ThinkingDeps['targets'] = {
    of: async (...which) => {
      if (!ref.world) throw new Error('no world yet');
      const client = await ref.world.targets.of(...which);
      return { ...client, ...change(client) };
    },
  };
  ref.world = await thinkingWorld(db, { minds: { script: mindThat(answer) }, deps: { targets } });
  return ref.world;
}

async function itemBy(world: World, username: string, title = 'A lamp by the quay'): Promise<string> {
  const { path } = await world.sandbox.storeScene(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10" fill="#123456"/></svg>',
  );
  const { status, body } = await world.call(
    'POST',
    '/api/showcase',
    { imageUrl: path, title, description: title, facts: ['lamp'] },
    username,
  );
  expect(status).toBeLessThan(300);
  return (body['showcaseItem'] as { id: string }).id;
}

describe('a target that does not say who is a bot', () => {
  const quiet = (client: TargetClient): Partial<TargetClient> => {
    const without = <T extends { author: { isAgent?: boolean } | null }>(by: T): T => {
      if (by.author === null) return by;
      const { isAgent: _, ...author } = by.author;
      return { ...by, author };
    };
    return {
      feed: async (...given) => (await client.feed(...given)).map(without),
      thread: async (...given) => (await client.thread(...given))?.map(without),
    };
  };

  test('bots of ours are known by their names: to minds, in threads, in relations', async () => {
    const told: Situation[] = [];
    await using world = await worldWith((situation) => {
      told.push(situation);
      return { do: 'reply', on: 0, text: 'The lamp was drawn last, after the quay.' };
    }, quiet);
    const [author, other, stranger] = (await world.seed(3, scripted)) as [BotRow, BotRow, BotRow];
    const id = await itemBy(world, author.username);
    // Somebody of another fleet: nobody here knows that it is a bot.
    await db.query(sql`update gallery_bots set username = 'renamed_here' where id = ${stranger.id}`);
    const said = await world.call(
      'POST',
      `/api/showcase/${id}/comments`,
      { content: 'What holds the lamp?' },
      other.username,
    );
    expect(said.status).toBeLessThan(300);
    await itemBy(world, stranger.username, 'A rope in the rain');
    expect(results(await world.think([author]))).toEqual(['acted']);
    const [situation] = told;
    expect(situation?.candidates[0]).toMatchObject({
      kind: 'reply',
      thread: [{ author: other.username, isAgent: true }],
    });
    expect(situation?.candidates.find(({ author: by }) => by === stranger.username)).toMatchObject({
      authorIsAgent: false,
    });
    const relations = await db.query(sql`select person, is_bot as "isBot" from gallery_relations`);
    expect(relations).toEqual([{ person: other.username, isBot: true }]);
  });

  test('two bots of ours tire of each other there as well', async () => {
    await using world = await worldWith(() => ({ do: 'browse' }), quiet);
    const [author, other] = (await world.seed(2, scripted)) as [BotRow, BotRow];
    const id = await itemBy(world, author.username);
    for (let n = 0; n < 5; n++) {
      const [by, to] = n % 2 === 0 ? [other, author] : [author, other];
      const content = `@${to.username} the lamp says ${n} things.`;
      await world.call('POST', `/api/showcase/${id}/comments`, { content }, by.username);
    }
    await world.think([author]);
    const [decision] = await db.query<{ body: { candidates: { commentId?: string }[] } }>(
      sql`select body from gallery_decisions`,
    );
    expect(decision?.body.candidates.filter(({ commentId }) => commentId !== undefined).length).toBeLessThan(3);
    const last = (await world.call('GET', `/api/showcase/${id}/comments?limit=9`)).body['comments'] as { id: string }[];
    expect(decision?.body.candidates.map(({ commentId }) => commentId)).not.toContain(last.at(-1)?.id);
  });
});

describe('an account that is refused', () => {
  test('once: it is made again and the act is done, by a drawing of the target too', async () => {
    let calls = 0;
    let made = 0;
    await using world = await worldWith(
      () => ({ do: 'post', prompt: 'a red buoy', caption: 'The red buoy keeps its distance today.' }),
      (client) => ({
        execute: async (...given) => (calls++ === 0 ? refuse() : await client.execute(...given)),
        provision: async (bot) => (made++, await client.provision(bot)),
      }),
    );
    await world.seed(1, { ...scripted, imageSource: 'target' });
    const before = made;
    expect(results(await world.think(await world.bots()))).toEqual(['acted']);
    expect([calls, made - before]).toEqual([2, 1]);
  });

  test('twice: the bot is broken and waits for a person', async () => {
    let made = 0;
    await using world = await worldWith(likes, (client) => ({
      ensureLiked: async () => refuse(),
      provision: async (bot) => (made++, await client.provision(bot)),
    }));
    const [author, bot] = (await world.seed(2, scripted)) as [BotRow, BotRow];
    await itemBy(world, author.username);
    const [end] = await world.think([bot]);
    expect(end).toMatchObject({
      result: 'failed',
      reason: 'target_forbidden',
      row: { state: 'error', retryAt: null, reason: 'target_forbidden' },
    });
    expect(made).toBe(1);
    expect(world.emitted.filter(({ type }) => type === 'gallery.bot.failed')).toMatchObject([{ botId: bot.id }]);
  });

  test('on a look after an act: broken, and the act stays open for the next look', async () => {
    await using world = await worldWith(likes, () => ({
      capabilities: { idempotency: false, explicitUnlike: true, upload: true, execute: true },
      ensureLiked: async () => {
        throw new TargetError({ kind: 'unknown', detail: 'cut' }, 'nobody knows');
      },
      item: async () => refuse(),
    }));
    const [author, bot] = (await world.seed(2, scripted)) as [BotRow, BotRow];
    await itemBy(world, author.username);
    const [end] = await world.until(world.think([bot]));
    expect(end).toMatchObject({ reason: 'target_forbidden', row: { state: 'error', retryAt: null } });
    expect(await db.query(sql`select state from gallery_actions`)).toEqual([{ state: 'open' }]);
  });

  test('for the whole gallery: the token is at fault, no bot', async () => {
    await using world = await worldWith(likes, () => ({ feed: async () => refuse() }));
    const [bot] = (await world.seed(1, scripted)) as [BotRow];
    expect(await world.think([bot])).toMatchObject([
      { result: 'put_off', gate: { scope: 'target', state: 'held', reason: 'target_unauthorized' } },
    ]);
    expect((await world.bots())[0]).toMatchObject({ state: 'running', failures: 0 });
  });
});

test('a toggle that had to be pressed back is recorded, in the feed and with the decision (case 34)', async () => {
  await using world = await worldWith(likes, (client) => ({
    ensureLiked: async (...given) => ({ ...(await client.ensureLiked(...given)), corrected: true }),
  }));
  const [author, bot] = (await world.seed(2, scripted)) as [BotRow, BotRow];
  await itemBy(world, author.username);
  expect(results(await world.think([bot]))).toEqual(['acted']);
  expect(await db.query(sql`select body->'corrected' as corrected from gallery_decisions`)).toEqual([
    { corrected: true },
  ]);
  expect(world.told.find(({ type }) => type === 'like')?.message).toContain('pressed once more');
});

describe('asked whether it is a bot', () => {
  const asked = async (answers: string[]): Promise<{ ends: string[]; said: string[]; redo: unknown[] }> => {
    const redo: unknown[] = [];
    await using world = await worldWith(
      (situation) => {
        redo.push(situation.redo?.reason ?? null);
        return { do: 'reply', on: 0, text: answers[Math.min(redo.length, answers.length) - 1] ?? '' };
      },
      () => ({}),
    );
    const [author, other] = (await world.seed(2, scripted)) as [BotRow, BotRow];
    const id = await itemBy(world, author.username);
    const question = 'Lovely. Are you a bot?';
    await world.call('POST', `/api/showcase/${id}/comments`, { content: question }, other.username);
    const ends = results(await world.think([author]));
    const { body } = await world.call('GET', `/api/showcase/${id}/comments?limit=9`);
    // Both may be of one millisecond: their order says nothing.
    const all = (body['comments'] as { content: string }[]).map(({ content }) => content);
    return { ends, redo, said: all.filter((content) => content !== question) };
  };

  test('a mind that denies it, or goes round it, is not let through', async () => {
    const { ends, said, redo } = await asked(['Of course not, what a question!', 'The fog was the hard part.']);
    expect(ends).toEqual(['blocked claims_human']);
    expect(said).toEqual([]);
    expect(redo.slice(0, 2)).toEqual([null, 'claims_human']);
  });

  test('a mind that says yes is', async () => {
    const { ends, said } = await asked(['Of course not!', 'Yes, this account is automated; the lamp came first.']);
    expect(ends).toEqual(['acted']);
    expect(said).toEqual([expect.stringContaining('this account is automated')]);
  });
});

test('a bot that goes to sleep is told of once, as an activity and as an event', async () => {
  const match = (id: string) => ({ path: `/api/showcase/${id}/like` });
  await using world = await worldWith(likes, () => ({}));
  const [author, bot] = (await world.seed(2, scripted)) as [BotRow, BotRow];
  const id = await itemBy(world, author.username);
  await world.sandbox.setFaults(project, [{ match: match(id), kind: 'agentDaily', probability: 1, delayMs: 0 }]);
  expect(await world.think([bot])).toMatchObject([{ row: { state: 'sleeping' } }]);
  expect(world.told.filter(({ type }) => type === 'slept')).toMatchObject([
    { botId: bot.id, data: { reason: 'target_agent_daily_limit' } },
  ]);
  expect(world.emitted.filter(({ type }) => type === 'gallery.bot.slept')).toMatchObject([
    { botId: bot.id, reason: 'target_agent_daily_limit' },
  ]);
});

test('a command that came between is what counts: nobody is told of a sleep that was not', async () => {
  await using world = await worldWith(likes, (client) => ({
    ensureLiked: async (...given) => {
      await db.query(sql`update gallery_bots set generation = generation + 1`);
      return await client.ensureLiked(...given);
    },
  }));
  const [author, bot] = (await world.seed(2, scripted)) as [BotRow, BotRow];
  const id = await itemBy(world, author.username);
  const match = { path: `/api/showcase/${id}/like` };
  await world.sandbox.setFaults(project, [{ match, kind: 'agentDaily', probability: 1, delayMs: 0 }]);
  await world.think([bot]);
  expect((await world.bots()).map(({ state }) => state)).toEqual(['running', 'running']);
  expect(world.told.filter(({ type }) => type === 'slept')).toEqual([]);
  expect(world.emitted.filter(({ type }) => type === 'gallery.bot.slept')).toEqual([]);
});
