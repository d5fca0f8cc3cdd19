import { describe, expect, it } from 'vitest';
import { drawsOf } from '#gallery/model';
import * as measures from './measures.ts';

describe('measures', () => {
  it('counts different words and pairs', () => {
    expect(measures.distinctN(['a b a b', 'a b'], 1)).toBeCloseTo(2 / 6);
    expect(measures.distinctN(['a b a b', 'a b'], 2)).toBeCloseTo(2 / 4);
    expect(measures.distinctN([], 2)).toBe(0);
  });

  it('compares texts with each other', () => {
    expect(measures.meanPairwiseJaccard(['fog bank', 'fog bank', 'fog bank'])).toBe(1);
    expect(measures.meanPairwiseJaccard(['abcdef', 'uvwxyz'])).toBe(0);
    const many = Array.from({ length: 300 }, (_, i) => (i % 2 ? 'fog bank here' : 'nothing at all'));
    expect(measures.meanPairwiseJaccard(many, drawsOf('m'))).toBeCloseTo(0.5, 1);
    expect(measures.nearDuplicateRate(['one line of fog', 'another thing', 'One line of fog', 'third'])).toBe(0.25);
    expect(measures.selfRepetition([['a b c', 'a b d'], ['x y', 'u v'], ['single']])).toBeCloseTo((0.25 + 0) / 2);
  });

  it('sees what lines do', () => {
    expect(measures.shares(['How did you do it?', 'Maybe a wider margin.', 'Lovely fog.', 'The buoy leans.'])).toEqual({
      questions: 0.25,
      suggestions: 0.25,
      praise: 0.25,
    });
  });

  it('sees whether a line names what is there', () => {
    expect(measures.namesFact('The red buoy leans.', ['red buoy'])).toBe(true);
    expect(measures.namesFact('Two buoys, no wind.', ['red buoy'])).toBe(true);
    expect(measures.namesFact('Nice work.', ['red buoy', 'fog'])).toBe(false);
    expect(measures.namesFact('A foghorn.', ['fog bank'])).toBe(false);
    expect(
      measures.factsNamed([
        { text: 'fog', facts: ['fog'] },
        { text: 'no', facts: ['fog'] },
      ]),
    ).toBe(0.5);
  });

  it('knows how uneven counts are', () => {
    expect(measures.gini([1, 1, 1, 1])).toBeCloseTo(0);
    expect(measures.gini([0, 0, 0, 1])).toBeCloseTo(0.75);
    expect(measures.gini([])).toBe(0);
  });

  it('tells distributions apart', () => {
    const draws = drawsOf('ks');
    const even = Array.from({ length: 500 }, () => draws.next());
    const bent = Array.from({ length: 500 }, () => draws.next() ** 2);
    expect(measures.ks(even, (x) => x).p).toBeGreaterThan(0.01);
    expect(measures.ks(bent, (x) => x).p).toBeLessThan(0.001);
    expect(measures.ks(even, bent).p).toBeLessThan(0.001);
    expect(measures.ks(even, even)).toEqual({ d: 0, p: 1 });
    expect(measures.ks([], even)).toEqual({ d: 0, p: 1 });
  });
});
