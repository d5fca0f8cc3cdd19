import { expect, test } from 'vitest';
import { GatheredActs } from './gathered-acts.ts';

type Act = { name: string; keys: string[] };
const act = (name: string, ...keys: string[]): Act => ({ name, keys });

function gathering(fails: (names: readonly string[]) => boolean = () => false) {
  const commits: string[][] = [];
  const together = new GatheredActs<Act, string>({
    keysOf: ({ keys }) => keys,
    commit: async (acts) => {
      const names = acts.map(({ name }) => name);
      commits.push(names);
      if (fails(names)) throw new Error(`no: ${names.join()}`);
      return names.map((name) => `done ${name}`);
    },
  });
  return { together, commits };
}

test('acts of one turn are one commit; those that share a key keep their order, one commit each', async () => {
  const { together, commits } = gathering();
  const acts = [
    act('a', 'ann', 'i1'),
    act('b', 'bob', 'i2'),
    act('c', 'cy', 'i1'),
    act('d', 'dee', 'i1'),
    act('e', 'cy'),
  ];
  const answers = await Promise.all(acts.map((one) => together.do(one)));
  expect(answers).toEqual(['done a', 'done b', 'done c', 'done d', 'done e']);
  // `e` shares an account with `c`, which waits itself.
  expect(commits).toEqual([['a', 'b'], ['c'], ['d', 'e']]);
});

test('one that spoils a commit fails alone', async () => {
  const { together, commits } = gathering((names) => names.includes('bad'));
  const given = ['good', 'bad', 'fine'].map((name) => together.do(act(name, name)));
  const outcomes = await Promise.allSettled(given);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(commits).toEqual([['good', 'bad', 'fine'], ['good'], ['bad'], ['fine']]);
});
