import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gramsOf, jaccard, plainOf } from './grams.ts';
import { Sameness } from './sameness.ts';

const of = { kind: 'comment', botId: 'gbt_a', targetId: 'sandbox' } as const;
const likeness = (a: string, b: string): number => jaccard(gramsOf(plainOf(a)), gramsOf(plainOf(b)));

describe('Sameness', () => {
  it('finds the same text whatever its case, width and spaces', () => {
    const store = new Sameness();
    store.add('The left buoy leans as if it heard something.', of);
    expect(store.find('the LEFT  buoy leans as if it heard something.', of)).toMatchObject({
      where: 'own',
      likeness: 1,
    });
    expect(store.find('Ｔｈｅ left buoy leans as if it heard something.', of)).toMatchObject({ where: 'own' });
    expect(store.find('The left buoy leans as if it heard somethin!', of)).toMatchObject({ where: 'own' });
    expect(store.find('Nothing is said of the tide today.', of)).toBeUndefined();
  });

  it('looks at the thread and at the fleet of the same target, each kind by itself', () => {
    const store = new Sameness();
    store.add('The knot border closes after nine turns.', of);
    const other = { ...of, botId: 'gbt_b' };
    expect(store.find('The knot border closes after nine turns.', other)).toMatchObject({ where: 'fleet' });
    expect(store.find('The knot border closes after nine turns.', { ...other, targetId: 'floimg' })).toBeUndefined();
    expect(store.find('The knot border closes after nine turns.', { ...other, kind: 'caption' })).toBeUndefined();
    expect(store.find('A fern!', { ...other, thread: ['a fern!'] })).toMatchObject({
      where: 'thread',
      text: 'a fern!',
    });
  });

  it('remembers the last ones only, within its bounds', () => {
    const store = new Sameness({ own: 3, fleet: 4, ownTotal: 6, targets: 2 });
    const said = (no: number): string => `line number ${'abcdefgh'[no]?.repeat(9)} of the log`;
    for (let no = 0; no < 6; no++) store.add(said(no), of);
    expect(store.find(said(0), of)).toBeUndefined();
    expect(store.find(said(2), of)).toMatchObject({ where: 'fleet' });
    expect(store.find(said(5), of)).toMatchObject({ where: 'own' });
    for (const botId of ['b', 'c', 'd'])
      store.load(
        botId,
        [0, 1, 2].map((no) => ({ kind: 'comment' as const, text: said(no) })),
      );
    expect(store.sizes).toEqual({ bots: 2, ownTexts: 6, targets: 1 });
    expect([store.knows('gbt_a'), store.knows('d')]).toEqual([false, true]);
    for (const targetId of ['x', 'y', 'z']) store.add(said(7), { ...of, targetId });
    expect(store.sizes.targets).toBe(2);
    store.forget('d');
    expect(store.knows('d')).toBe(false);
    store.load('e', []);
    expect(store.knows('e')).toBe(true);
  });

  it('misses none of the last 200 own texts that are within 0.8', () => {
    const words = 'fog buoy tide gull mole quay lamp ridge moon sand reed knot star bar tram steam soup flag'.split(
      ' ',
    );
    // One sentence with a word or two exchanged: as near to 0.8 as texts come.
    const base = Array.from({ length: 14 }, (_, at) => words[at] ?? '');
    const sentence = fc
      .array(fc.tuple(fc.nat(13), fc.constantFrom(...words)), { minLength: 1, maxLength: 2 })
      .map((changes) => changes.reduce((all, [at, word]) => all.with(at, word), base).join(' '));
    fc.assert(
      fc.property(fc.array(sentence, { minLength: 30, maxLength: 80 }), (texts) => {
        const store = new Sameness();
        const kept: string[] = [];
        for (const text of texts) {
          if (store.find(text, of)) continue;
          expect(kept.filter((before) => likeness(before, text) >= 0.8)).toEqual([]);
          kept.push(text);
          store.add(text, of);
        }
      }),
      { numRuns: 40 },
    );
  });
});
