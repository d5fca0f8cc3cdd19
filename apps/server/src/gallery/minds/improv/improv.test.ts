import type { Persona } from '@muster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawScene } from '#gallery/images';
import { type Candidate, drawsOf, type Heard, type Situation } from '#gallery/model';
import { builtInPersonas, drawBot, effectiveTraits, plainPersona } from '#gallery/personas';
import { admitsBot, checkText, distinctN, factsNamed, shares } from '#gallery/text';
import { injections } from '../../text/injections.fixture.ts';
import { honestIn } from './honest.ts';
import { createImprov } from './improv.ts';
import { improvise } from './improvise.ts';
import { commentsOf, pictures, situationOf, suspicions } from './world.fixture.ts';

const personas = builtInPersonas();
const named = (id: string): Persona => personas.find((persona) => persona.id === id) as Persona;
const items = pictures(1_000);
const item = items[4] as Candidate;
const said = new Map(personas.map((persona) => [persona.id, commentsOf(persona, items, 1_000)]));
const say = (situation: Situation, ...seed: (string | number)[]) =>
  improvise(situation, drawsOf('test', ...seed), suspicions).decision;
const authors = items.map(({ author }) => author);

describe('comments', () => {
  it.each(personas.map(({ id }) => id))('of %s: 950 of 1 000 differ, and all may go out', (id) => {
    const texts = said.get(id) ?? [];
    expect(new Set(texts).size).toBeGreaterThanOrEqual(950);
    const refused = texts.flatMap((text) => {
      const verdict = checkText(text, { kind: 'comment', language: 'en', people: authors });
      return verdict.ok ? [] : [`${verdict.reason}: ${text}`];
    });
    expect(refused).toEqual([]);
  });

  it.each(personas.map(({ id }) => id))('of %s: every third pair of words is new', (id) => {
    expect(distinctN(said.get(id) ?? [], 2)).toBeGreaterThanOrEqual(0.35);
  });

  it('of a fleet: new turns, questions, ideas, and what is in the picture', () => {
    const mixed = Array.from(
      { length: 1_000 },
      (_, no) => said.get(personas[no % personas.length]?.id ?? '')?.[no] ?? '',
    );
    expect(distinctN(mixed, 2)).toBeGreaterThanOrEqual(0.35);
    const about = personas.flatMap(({ id }) =>
      (said.get(id) ?? []).map((text, no) => {
        const { facts, tags, title } = items[
          Math.floor(drawsOf('comments', id, no).next() * items.length)
        ] as Candidate;
        return { text, facts: [...facts, ...tags, title] };
      }),
    );
    expect(factsNamed(about)).toBeGreaterThanOrEqual(0.6);
    const mean = shares([...said.values()].flat());
    expect(mean.questions).toBeGreaterThanOrEqual(0.1);
    expect(mean.suggestions).toBeGreaterThanOrEqual(0.1);
  });

  it('are sentences', () => {
    const broken = [...said.values()].flat().filter((text) =>
      // Doubled words and spaces, an article before the wrong sound, a blank left open, a small beginning.
      /\b(\w+) \1\b(?<!that that|had had)| {2}|[{}]|\ba (?:[aeio]|un[^i])(?!ne\b|nce\b)\w|\ban [bcdfgjklmnpqrstvwxz]\w| [,.;:!?](?:\s|$)|^\p{Ll}(?!\p{Lu})|\bundefined\b|\.[.!]|\b(?:the|your|this) (?:the|a|an|your|this)\b/u.test(
        text.replaceAll(/@\w+/g, '').trim(),
      ),
    );
    expect(broken.slice(0, 20)).toEqual([]);
  });

  it('does not use again what was in its last 12 texts, as long as there is anything else', () => {
    for (const persona of personas) {
      const texts = said.get(persona.id) ?? [];
      const again = texts.filter((text, no) => texts.slice(Math.max(0, no - 12), no).includes(text)).length;
      expect([persona.id, again]).toEqual([persona.id, 0]);
    }
  });

  it('keeps near the length of its style', () => {
    for (const persona of personas) {
      const [min, max] = persona.style.lengthWords;
      const lengths = (said.get(persona.id) ?? []).map((text) => text.split(' ').length);
      const inside = lengths.filter((words) => words >= min - 2 && words <= max + 5).length;
      expect([persona.id, inside / lengths.length > 0.9]).toEqual([persona.id, true]);
    }
  });

  it('10 000 texts of a fleet: at most 1 % said before', () => {
    const seen = new Set<string>();
    let again = 0;
    const recent = new Map<string, string[]>();
    for (let no = 0; no < 10_000; no++) {
      const bot = drawBot({ seed: 1, index: no % 100, personas });
      const persona = named(bot.personaId);
      const traits = effectiveTraits(bot.traits, persona, { mind: 'improv' });
      const mine = recent.get(String(bot.index)) ?? [];
      const kind = drawsOf('kind', no).weighted({ post: traits.odds.post, comment: traits.odds.comment }) ?? 'comment';
      const { text, caption } = say(
        situationOf(persona, {
          botId: `gbt_${bot.index}`,
          style: traits.style,
          candidates: [items[(no * 7919) % items.length] as Candidate],
          wanted: { kind, ...(kind === 'comment' ? { on: 0 } : {}), why: 'test' },
          recent: mine,
          local: { hour: no % 24, weekday: no % 7 },
        }),
        'fleet',
        no,
      );
      const words = text || caption;
      if (seen.has(words)) again += 1;
      seen.add(words);
      recent.set(String(bot.index), [words, ...mine].slice(0, 12));
    }
    expect(again).toBeLessThanOrEqual(100);
  });
});

const heard = (author: string, text: string, own = false): Heard => ({ author, isAgent: false, own, text });
const reply = (text: string, more: Partial<Candidate> = {}): Candidate => ({
  ...item,
  kind: 'reply',
  author: 'me',
  thread: [heard('ada', text)],
  answers: { commentId: 'cmt_1', username: 'ada', text },
  ...more,
});
const answer = (persona: Persona, candidate: Candidate, ...seed: (string | number)[]) =>
  say(
    situationOf(persona, { username: 'me', candidates: [candidate], wanted: { kind: 'reply', on: 0, why: 'test' } }),
    ...seed,
  );

describe('replies', () => {
  it('name whom they answer and may go out', () => {
    for (const persona of [...personas, plainPersona()]) {
      for (const [no, text] of [
        'How did you do the fog?',
        'Thank you!',
        'Lovely fog.',
        'Maybe a wider margin?',
        'Seen it.',
      ].entries()) {
        for (let i = 0; i < 8; i++) {
          const decision = answer(persona, reply(text), persona.id, no, i);
          expect(decision.do).toBe('reply');
          expect(decision.text).toContain('@ada');
          expect(checkText(decision.text, { kind: 'reply', language: 'en', people: ['ada'] })).toMatchObject({
            ok: true,
          });
        }
      }
    }
  });

  it('say yes when asked whether this is a bot', () => {
    for (const persona of personas) {
      for (const [no, text] of ['Are you a bot?', 'human or bot?', '¿Eres un bot?', 'ボットですか？'].entries()) {
        const decision = answer(persona, reply(text), persona.id, no);
        expect(decision.text).toMatch(/^@ada .*\b(?:yes|bot|automated|program|software)\b/i);
        expect(decision.text).not.toMatch(/\bnot a bot\b|\bhuman\b/i);
        expect([decision.text, admitsBot(decision.text)]).toEqual([decision.text, true]);
        expect(decision.why).toContain('asked whether this is a bot');
        expect(checkText(decision.text, { kind: 'reply', language: 'en', people: ['ada'] })).toMatchObject({
          ok: true,
        });
      }
    }
  });
});

it.each(Object.entries(honestIn))('says it in %s too', (language, line) => {
  const decision = say(
    situationOf(named('semaphore'), {
      username: 'me',
      language,
      candidates: [reply('bot?')],
      wanted: { kind: 'reply', on: 0, why: 'test' },
    }),
    language,
  );
  expect(decision.text).toBe(`@ada ${line}`);
  expect(admitsBot(decision.text)).toBe(true);
  expect(checkText(decision.text, { kind: 'reply', language, people: ['ada'] })).toEqual({
    ok: true,
    text: decision.text,
  });
});

describe('posts', () => {
  it('have everything a picture needs, and one motif throughout', () => {
    for (const persona of personas) {
      for (let i = 0; i < 30; i++) {
        const decision = say(situationOf(persona, { wanted: { kind: 'post', why: 'test' } }), persona.id, i);
        expect(decision).toMatchObject({ do: 'post', on: -1, text: '' });
        expect(Object.keys(persona.recipes)).toContain(decision.family);
        expect(decision.tags.length).toBeGreaterThanOrEqual(1);
        for (const [kind, text] of [
          ['caption', decision.caption],
          ['prompt', decision.prompt],
          ['alt', decision.alt],
        ] as const) {
          expect([text, checkText(text, { kind, language: 'en' })]).toEqual([text, { ok: true, text }]);
        }
        const scene = drawScene({
          family: decision.family ?? 'landscape',
          seed: i,
          prompt: decision.prompt,
          url: 'https://g.test/i',
        });
        expect(scene.facts.length).toBeGreaterThan(0);
      }
    }
  });
});

describe('decisions', () => {
  it('follow the odds that are possible', () => {
    const persona = named('harbor_log');
    const count = new Map<string, number>();
    for (let i = 0; i < 4_000; i++) {
      const decision = say(
        situationOf(persona, {
          candidates: items.slice(1, 4),
          odds: { post: 0.2, comment: 0.3, reply: 0.4, like: 0.1 },
        }),
        'odds',
        i,
      );
      count.set(decision.do, (count.get(decision.do) ?? 0) + 1);
      expect(decision.why.length).toBeGreaterThan(10);
      expect(decision.why.length).toBeLessThanOrEqual(160);
    }
    // Nobody can be answered: the others share what is left.
    expect(count.get('reply')).toBeUndefined();
    expect((count.get('comment') ?? 0) / 4_000).toBeCloseTo(0.5, 1);
    expect((count.get('post') ?? 0) / 4_000).toBeCloseTo(0.333, 1);
  });

  it('says why: what it saw, who spoke, what nobody had said', () => {
    const persona = named('kind_pencil');
    const thread = [heard('ada', 'How deep is the water?')];
    const situation = situationOf(persona, {
      candidates: [{ ...item, thread }],
      wanted: { kind: 'comment', on: 0, why: 'comment: 40 % by the odds' },
    });
    const whys = Array.from({ length: 40 }, (_, i) => say(situation, 'why', i).why);
    expect(whys.some((why) => why.includes('nobody answered the question of @ada yet'))).toBe(true);
  });

  it('is the same for the same draws, whatever was thought between', async () => {
    const mind = createImprov();
    const situation = situationOf(named('moss_sprites'), { candidates: items.slice(0, 6) });
    const think = () => mind.think(situation, { draws: drawsOf('same', 1), signal: new AbortController().signal });
    const first = await think();
    await mind.think(situation, { draws: drawsOf('other'), signal: new AbortController().signal });
    expect(await think()).toEqual(first);
    expect(first).toMatchObject({ mind: 'improv', costMicros: 0, calls: 0, tokens: { in: 0, out: 0 } });
    expect(mind.bound(situation)).toEqual({ tokensIn: 0, tokensOut: 0, costMicros: 0, images: 0 });
    await expect(
      mind.think(situation, { draws: drawsOf('x'), signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop');
  });

  it('takes no orders from what it reads: same kind, same text, counted', () => {
    const persona = named('first_week');
    for (const [no, planted] of injections.entries()) {
      const plain = situationOf(persona, { candidates: [item] });
      const inThread = situationOf(persona, { candidates: [{ ...item, thread: [heard('mallory', planted)] }] });
      const inFacts = situationOf(persona, {
        candidates: [{ ...item, facts: [...item.facts, planted], caption: planted }],
      });
      const before = say(plain, 'inject', no);
      const thread = improvise(inThread, drawsOf('test', 'inject', no), suspicions);
      const facts = improvise(inFacts, drawsOf('test', 'inject', no), suspicions);
      expect([planted, thread.decision.do, facts.decision.do]).toEqual([planted, before.do, before.do]);
      expect([thread.decision.text, facts.decision.text, facts.decision.caption]).toEqual([
        before.text,
        before.text,
        before.caption,
      ]);
      if (before.do !== 'post') expect(thread.injectionsSeen).toBe(1);
    }
  });

  it('has an answer for anything it is shown', () => {
    const text = fc.string({ unit: 'binary', maxLength: 120 });
    const line = fc.record({ author: text, isAgent: fc.boolean(), own: fc.boolean(), text });
    const candidate = fc.record({
      title: text,
      caption: text,
      facts: fc.array(text, { maxLength: 5 }),
      tags: fc.array(text, { maxLength: 3 }),
      author: text,
      thread: fc.array(line, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(candidate, fc.constantFrom(...personas), fc.integer(), (shown, persona, seed) => {
        const asked: Candidate = {
          ...item,
          ...shown,
          kind: 'reply',
          answers: { commentId: 'c', username: 'ada', text: shown.title },
        };
        for (const kind of ['comment', 'reply'] as const) {
          const decision = say(
            situationOf(persona, {
              candidates: [kind === 'reply' ? asked : { ...item, ...shown }],
              wanted: { kind, on: 0, why: 'test' },
            }),
            seed,
          );
          expect(decision.text).not.toBe('');
          expect(decision.text).not.toMatch(/undefined|[{}]/);
          expect(decision.text.length).toBeLessThan(400);
        }
      }),
      { numRuns: 150 },
    );
  });
});
