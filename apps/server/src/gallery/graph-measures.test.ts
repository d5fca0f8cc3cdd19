import { expect, test } from 'vitest';
import { measureGraph } from './graph-measures.ts';
import { writeGraphml } from './graphml.ts';

const edges = (...pairs: string[]): { from: string; to: string; weight: number }[] =>
  pairs.map((pair) => ({ from: pair[0] ?? '', to: pair[1] ?? '', weight: 1 }));

test('nothing can be said of nothing', () => {
  expect(measureGraph([], [])).toEqual({ reciprocity: null, components: 0, largestComponent: 0, clustering: null });
  expect(measureGraph(['a', 'b'], [])).toEqual({
    reciprocity: null,
    components: 2,
    largestComponent: 1,
    clustering: null,
  });
});

test('a triangle and a pair', () => {
  expect(measureGraph('abcde'.split(''), edges('ab', 'ba', 'bc', 'ca', 'de'))).toEqual({
    reciprocity: 0.4,
    components: 2,
    largestComponent: 3,
    clustering: 1,
  });
});

test('a star has no clustering; loops count for nothing', () => {
  expect(measureGraph('abcd'.split(''), edges('ab', 'ac', 'ad', 'aa'))).toEqual({
    reciprocity: 0,
    components: 1,
    largestComponent: 4,
    clustering: 0,
  });
});

test('GraphML escapes what people wrote and drops what XML has no word for', () => {
  const text = writeGraphml({
    from: '',
    to: '',
    nodes: [{ id: 'a', name: '<b>&"\'\u0000\u0007', isBot: true, persona: null }],
    edges: [{ from: 'a', to: 'a', likes: 1, comments: 2, replies: 3 }],
    measures: {
      reciprocity: null,
      components: 1,
      largestComponent: 1,
      clustering: null,
      peoplesPostsAnswered: null,
      firstAnswerMsMedian: null,
    },
    truncated: false,
  });
  expect(text).toContain('<data key="name">&lt;b&gt;&amp;&quot;&apos;  </data>');
  expect(text).toContain('<data key="replies">3</data>');
  expect(text).not.toContain('persona">');
});
