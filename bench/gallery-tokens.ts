/**
 * Claim: a text action costs at most 900 tokens in and 120 out on average, and a post is one call. 24 hours of the
 * built-in mix: bots of all personas think over a gallery that the same personas filled, and every request to the model is
 * counted by a server that tokenizes it (o200k), the schema of the answer included. What the model answers is as long as
 * the built-in mind's own texts; nothing else of it matters here.
 *
 * `--bots=60 --thinks=3000 --json`
 */

import { drawScene } from '../apps/server/src/gallery/images/index.ts';
import { createImprov, createMinds, mindsFrom } from '../apps/server/src/gallery/minds/index.ts';
import { type Candidate, type Decision, drawsOf, type Situation } from '../apps/server/src/gallery/model/index.ts';
import { builtInPersonas } from '../apps/server/src/gallery/personas/index.ts';
import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { loneMetrics, silentLogger } from '../apps/server/src/kernel/telemetry/index.ts';
import { type Dialect, FakeModels } from '../apps/server/test/support/fake-models.ts';
import { actKinds, type Persona, sceneFamilies } from '../packages/protocol/src/index.ts';
import { machine, options, round, spread, table } from './support/report.ts';

const given = options();
const bots = given.get('bots', 60);
const thinks = given.get('thinks', 3_000);
const improv = createImprov();
const personas = builtInPersonas();
const draws = drawsOf('tokens');
const signal = new AbortController().signal;

type Bot = { id: string; name: string; persona: Persona; recent: string[]; memories: string[] };
const fleet: Bot[] = Array.from({ length: bots }, (_, n) => {
  const drawn = draws.weighted(Object.fromEntries(personas.map(({ id, weight }) => [id, weight])));
  const persona = personas.find(({ id }) => id === drawn);
  if (!persona) throw new Error('no persona was drawn');
  return { id: `gbt_${n}`, name: `${persona.usernamePrefix}_${n}`, persona, recent: [], memories: [] };
});

type Item = Omit<Candidate, 'kind' | 'score' | 'ageHours' | 'thread'> & { thread: Candidate['thread'] };
const gallery: Item[] = [];

function seenBy(bot: Bot, wanted?: Situation['wanted']): Situation {
  const { persona } = bot;
  const others = draws.shuffled(gallery.filter(({ author }) => author !== bot.name)).slice(0, 6);
  const own = gallery.filter(({ author, thread }) => author === bot.name && thread.length > 0).at(-1);
  const candidates: Candidate[] = [
    ...(own && draws.chance(0.3) ? [replyTo(own)] : []),
    ...others.map((item) => ({ ...item, kind: 'item' as const, score: 1, ageHours: 2, thread: item.thread.slice(-4) })),
  ].slice(0, 6);
  const sum = actKinds.reduce((total, kind) => total + persona.odds[kind], 0);
  const may = actKinds.filter(
    (kind) =>
      kind === 'post' ||
      kind === 'browse' ||
      (kind === 'reply' ? candidates.some((each) => each.kind === 'reply') : candidates.length > 0),
  );
  return {
    botId: bot.id,
    name: persona.title,
    username: bot.name,
    persona,
    personality: persona.personality,
    vibe: persona.vibe,
    interests: persona.interests,
    style: persona.style,
    language: persona.language,
    local: { hour: draws.whole(0, 23), weekday: draws.whole(0, 6) },
    odds: Object.fromEntries(may.map((kind) => [kind, persona.odds[kind] / sum])),
    candidates,
    memories: bot.memories.slice(-draws.whole(0, 3)),
    recent: bot.recent.slice(0, 12),
    families: persona.recipes,
    ...(wanted ? { wanted } : {}),
  };
}

function replyTo(item: Item): Candidate {
  const last = item.thread.at(-1);
  return {
    ...item,
    kind: 'reply',
    score: 2,
    ageHours: 1,
    ...(last ? { answers: { commentId: 'cmt_1', username: last.author, text: last.text } } : {}),
  };
}

/** What came of a think, kept for those who look next. */
function keep(bot: Bot, decision: Decision, seen: Situation): void {
  const said = decision.text || decision.caption;
  if (said !== '') bot.recent.unshift(said);
  bot.recent.length = Math.min(bot.recent.length, 12);
  if (decision.do === 'post') {
    const family = sceneFamilies.find((each) => each === draws.weighted(bot.persona.recipes)) ?? 'landscape';
    const scene = drawScene({ family, seed: draws.whole(0, 2 ** 31), prompt: decision.prompt });
    gallery.push({
      itemId: `itm_${gallery.length}`,
      title: decision.caption,
      caption: decision.caption,
      facts: scene.facts.map(({ text }) => text),
      tags: decision.tags,
      author: bot.name,
      authorIsAgent: true,
      thread: [],
      liked: false,
    });
    return;
  }
  const item = gallery.find(({ itemId }) => itemId === seen.candidates[decision.on]?.itemId);
  if (!item) return;
  bot.memories.push(`${decision.do} on “${item.title.slice(0, 80)}” by ${item.author}: ${said.slice(0, 120)}`);
  if (said === '') return;
  item.thread = [...item.thread, { author: bot.name, isAgent: true, own: item.author === bot.name, text: said }];
}

const answerOf = ({ on, ...decision }: Decision): string => JSON.stringify({ ...decision, on: on + 1 });
const botAt = (n: number): Bot => fleet[n % fleet.length] as Bot;

// The gallery as a first day leaves it, by the built-in mind.
for (let n = 0; n < 600; n++) {
  const bot = botAt(n);
  const seen = seenBy(bot, n < 120 ? { kind: 'post', why: 'first' } : undefined);
  keep(bot, (await improv.think(seen, { draws: drawsOf('first', n), signal })).decision, seen);
}

type Row = {
  how: string;
  calls: number;
  texts: number;
  in: number;
  out: number;
  inP99: number;
  /** With the calls that ended in a like, a look or nothing: who lets the model decide pays for these, too. */
  allIn: number;
  perPost: number;
};

/** One day of thinks by a model; with `odds` only words are asked of it, else also what to do. */
async function day(dialect: Dialect, decide: 'mind' | 'odds'): Promise<Row> {
  await using models = await FakeModels.start();
  const minds = createMinds({
    config: mindsFrom({
      fallback: 'none',
      minds: JSON.stringify({
        m: {
          use: `${dialect}:m`,
          baseUrl: models.baseUrl(dialect),
          key: 'k',
          rpm: 1e6,
          tpm: 1e9,
          price: { in: 0, out: 0, asOf: '2026-01-01' },
        },
      }),
    }),
    improv,
    clock: systemClock,
    random: () => 0,
    logger: silentLogger,
    metrics: loneMetrics(silentLogger),
  });
  const mind = minds.mind('m');
  const tokens = { in: [] as number[], out: [] as number[] };
  let texts = 0;
  let allIn = 0;
  let calls = 0;
  let posts = 0;
  let callsForPosts = 0;
  for (let n = 0; n < thinks; n++) {
    const bot = botAt(n * 7 + 3);
    let seen = seenBy(bot);
    const meant = (await improv.think(seen, { draws: drawsOf(dialect, decide, n), signal })).decision;
    if (decide === 'odds' && meant.do !== 'nothing') {
      seen = { ...seen, wanted: { kind: meant.do, on: meant.on, why: meant.why } };
    }
    models.answer = () => ({ text: answerOf(meant) });
    const thought = await mind.think(seen, { draws: drawsOf('call', n), signal });
    calls += thought.calls;
    allIn += thought.tokens.in;
    const written = thought.decision.text !== '' || thought.decision.caption !== '';
    if (written) texts += 1;
    if (thought.decision.do === 'post') {
      posts += 1;
      callsForPosts += thought.calls;
    }
    if (thought.calls > 0 && written) {
      tokens.in.push(thought.tokens.in);
      tokens.out.push(thought.tokens.out);
    }
    keep(bot, thought.decision, seen);
    if (gallery.length > 400) gallery.splice(0, 100);
  }
  const mean = (all: readonly number[]): number => round(all.reduce((sum, each) => sum + each, 0) / all.length);
  return {
    how: `${dialect}, ${decide === 'mind' ? 'decides and writes' : 'writes'}`,
    calls,
    texts,
    in: mean(tokens.in),
    out: mean(tokens.out),
    inP99: spread(tokens.in).p99,
    allIn: round(allIn / Math.max(1, texts)),
    perPost: round(callsForPosts / Math.max(1, posts)),
  };
}

const rows: Row[] = [];
for (const dialect of ['openai', 'anthropic', 'google', 'compatible'] as const) {
  for (const decide of ['mind', 'odds'] as const) rows.push(await day(dialect, decide));
}

const met = rows.every((row) => row.in <= 900 && row.out <= 120 && row.perPost === 1);
if (given.json) console.log(JSON.stringify({ machine: machine(), thinks, rows, met }));
else {
  const { cpu, cores, node } = machine();
  console.log(`${cpu}, ${cores} cores, node ${node}; ${bots} bots, ${thinks} thinks each, o200k counts\n`);
  table(
    ['how', 'calls', 'texts', 'in, mean', 'in, p99', 'out, mean', 'all in / text', 'calls per post'],
    rows.map((row) => [row.how, row.calls, row.texts, row.in, row.inP99, row.out, row.allIn, row.perPost]),
  );
  console.log(`\nbar: 900 in, 120 out, 1 call per post: ${met ? 'met' : 'missed'}`);
}
if (!met) process.exitCode = 1;
