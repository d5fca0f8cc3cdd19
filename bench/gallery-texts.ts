/**
 * Claim: the offline mind writes at least 20 000 texts a second on one core, and a fleet of 100 bots says no sentence
 * twice within a day.
 *
 * A second of texts is one of the processor. Texts: whole thinks of `improv` (comments 3, posts 1), each with draws of its own, over 1 000 pictures of the real scene
 * engine; rounds in one process, one thread. Beside it what each text costs on its way out: `checkText`, and the search for
 * near-duplicates among 200 own and 5 000 texts of the fleet. The day: 100 bots by their odds, 60 comments or posts each,
 * checked and compared as the loop does it. `--rounds=5 --texts=40000 --json`.
 */

import { improvise } from '../apps/server/src/gallery/minds/improv/improvise.ts';
import { Suspicions } from '../apps/server/src/gallery/minds/improv/stage.ts';
import { pictures, situationOf } from '../apps/server/src/gallery/minds/improv/world.fixture.ts';
import { type Candidate, drawsOf, type Situation } from '../apps/server/src/gallery/model/index.ts';
import { builtInPersonas, drawBot, effectiveTraits } from '../apps/server/src/gallery/personas/index.ts';
import { checkText, distinctN, Sameness, shares } from '../apps/server/src/gallery/text/index.ts';
import { machine, median, options, round, table } from './support/report.ts';

const given = options();
const rounds = given.get('rounds', 5);
const texts = given.get('texts', 40_000);
const bar = 20_000;

const personas = builtInPersonas();
const items = pictures(1_000);
const suspicions = new Suspicions();

const situations: Situation[] = Array.from({ length: 4_000 }, (_, no) => {
  const persona = personas[no % personas.length] as (typeof personas)[number];
  const kind = no % 4 === 0 ? 'post' : 'comment';
  return situationOf(persona, {
    candidates: [items[(no * 7919) % items.length] as Candidate],
    wanted: kind === 'post' ? { kind, why: 'bench' } : { kind, on: 0, why: 'bench' },
    local: { hour: no % 24, weekday: no % 7 },
  });
});

/** Texts a second; `recent` is filled, as it is for a bot that lives. */
function write(seed: number): { perSecond: number; said: string[] } {
  const said: string[] = [];
  // Time of the processor, not of the clock: the claim is one of one core, and others may be using it.
  const began = process.cpuUsage();
  for (let no = 0; no < texts; no++) {
    const base = situations[no % situations.length] as Situation;
    const situation = { ...base, recent: said.slice(-12) };
    const { decision } = improvise(situation, drawsOf('bench', seed, no), suspicions);
    said.push(decision.text || decision.caption);
  }
  const { user, system } = process.cpuUsage(began);
  return { perSecond: (texts * 1e6) / (user + system), said };
}

function microsOf(times: number, run: (no: number) => void): number {
  for (let no = 0; no < times / 10; no++) run(no);
  const began = process.cpuUsage();
  for (let no = 0; no < times; no++) run(no);
  const { user, system } = process.cpuUsage(began);
  return (user + system) / times;
}

/** 100 bots, one day, as the loop would let them speak. */
function day(): { texts: number; skipped: number; repeated: number; distinct2: number; said: string[] } {
  const sameness = new Sameness();
  const seen = new Set<string>();
  const recent = new Map<number, string[]>();
  const said: string[] = [];
  let skipped = 0;
  let repeated = 0;
  const bots = Array.from({ length: 100 }, (_, index) => drawBot({ seed: 1, index, personas }));
  for (let no = 0; no < 6_000; no++) {
    const bot = bots[no % bots.length] as (typeof bots)[number];
    const persona = personas.find(({ id }) => id === bot.personaId) as (typeof personas)[number];
    const traits = effectiveTraits(bot.traits, persona, { mind: 'improv' });
    const mine = recent.get(bot.index) ?? [];
    const kind = drawsOf('kind', no).weighted({ post: traits.odds.post, comment: traits.odds.comment }) ?? 'comment';
    const of = {
      kind: kind === 'post' ? ('caption' as const) : ('comment' as const),
      botId: `${bot.index}`,
      targetId: 's',
    };
    let kept: string | undefined;
    for (let draw = 0; draw < 4 && kept === undefined; draw++) {
      const situation = situationOf(persona, {
        style: traits.style,
        candidates: [items[Math.floor(drawsOf('item', no).next() * items.length)] as Candidate],
        wanted: kind === 'post' ? { kind, why: 'bench' } : { kind, on: 0, why: 'bench' },
        recent: mine,
        local: { hour: Math.floor(no / 250), weekday: 3 },
      });
      const { decision } = improvise(situation, drawsOf('day', no, draw), suspicions);
      const text = decision.text || decision.caption;
      const fine = checkText(text, { kind: 'comment', language: 'en', people: items.map(({ author }) => author) }).ok;
      if (fine && !sameness.find(text, of)) kept = text;
    }
    if (kept === undefined) {
      skipped += 1;
      continue;
    }
    if (seen.has(kept)) repeated += 1;
    seen.add(kept);
    said.push(kept);
    sameness.add(kept, of);
    recent.set(bot.index, [kept, ...mine].slice(0, 12));
  }
  return { texts: said.length, skipped, repeated, distinct2: distinctN(said.slice(0, 1_000), 2), said };
}

write(0);
const runs = Array.from({ length: rounds }, (_, seed) => write(seed + 1));
const perSecond = median(runs.map((run) => run.perSecond));
const sample = runs[0]?.said ?? [];
const sameness = new Sameness();
for (const text of sample.slice(0, 5_000)) sameness.add(text, { kind: 'comment', botId: 'a', targetId: 's' });
const checkMicros = microsOf(5_000, (no) =>
  checkText(sample[no % sample.length] ?? '', { kind: 'comment', language: 'en' }),
);
const sameMicros = microsOf(2_000, (no) => {
  sameness.find(sample[5_000 + (no % 5_000)] ?? '', { kind: 'comment', botId: 'a', targetId: 's' });
});
const oneDay = day();
const mix = shares(oneDay.said);

if (given.json) {
  console.log(
    JSON.stringify({
      machine: machine(),
      perSecond,
      checkMicros,
      sameMicros,
      day: { ...oneDay, said: undefined, ...mix },
    }),
  );
} else {
  const { cpu, cores, memoryGb, node, os } = machine();
  console.log(
    `${cpu}, ${cores} cores, ${memoryGb} GB · node ${node} · ${os} · median of ${rounds} rounds of ${texts} texts\n`,
  );
  table(
    ['what', 'figure', 'bar'],
    [
      ['improv, texts a second of one core', `${round(perSecond)}`, `≥ ${bar}`],
      ['checkText, µs a text', `${round(checkMicros)}`, ''],
      ['near-duplicates, µs a text (200 own, 5 000 fleet)', `${round(sameMicros)}`, ''],
      ['a day of 100 bots: texts', `${oneDay.texts} (${oneDay.skipped} skipped)`, ''],
      ['… said twice', `${oneDay.repeated}`, '0'],
      ['… distinct-2 of the first 1 000', oneDay.distinct2.toFixed(2), '≥ 0.35'],
      [
        '… questions, suggestions, praise',
        [mix.questions, mix.suggestions, mix.praise].map((share) => share.toFixed(2)).join(' · '),
        '≥ 0.10 · ≥ 0.10',
      ],
    ],
  );
}
if (perSecond < bar || oneDay.repeated > 0) process.exitCode = 1;
