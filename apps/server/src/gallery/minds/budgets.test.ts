import { expect, it } from 'vitest';
import { actWants, mindWants } from './budgets.ts';

const bot = { id: 'gbt_1', targetId: 'sandbox', personaId: 'harbor_log' };
const caps = { acts: 500, posts: 40, likes: null };
const brief = (wants: ReturnType<typeof actWants>): string[] =>
  wants.map(({ scope, measure, amount, periods, defaults }) =>
    [scope, measure, amount, periods?.join() ?? 'both', JSON.stringify(defaults ?? {})].join(' '),
  );

it('an act counts as one, and by its kind, in every scope; bots by days only', () => {
  expect(brief(actWants({ bot, caps, targetKind: 'floimg', kind: 'post' }))).toEqual([
    'bot:gbt_1 acts 1 day {"day":500}',
    'bot:gbt_1 posts 1 day {"day":40}',
    'persona:harbor_log acts 1 both {}',
    'persona:harbor_log posts 1 both {}',
    'target:sandbox acts 1 both {"day":2000}',
    'target:sandbox posts 1 both {"day":200}',
    'fleet acts 1 both {}',
    'fleet posts 1 both {}',
  ]);
});

it('replies are comments, looking is free, null is no cap', () => {
  const reply = actWants({ bot: { ...bot, personaId: null }, caps, targetKind: 'sandbox', kind: 'reply' });
  expect(new Set(reply.map(({ measure }) => measure))).toEqual(new Set(['acts', 'comments']));
  expect(new Set(reply.map(({ scope }) => scope))).toEqual(new Set(['bot:gbt_1', 'target:sandbox', 'fleet']));
  expect(actWants({ bot, caps, targetKind: 'sandbox', kind: 'browse' })).toEqual([]);
  expect(brief(actWants({ bot, caps, targetKind: 'sandbox', kind: 'like' }))[1]).toBe(
    'bot:gbt_1 likes 1 day {"day":null}',
  );
});

it('a paid think reserves its worst case; what it cannot use is not asked for', () => {
  const bound = { costMicros: 900, tokensIn: 4_000, tokensOut: 440, images: 0 };
  expect(brief(mindWants({ bot, caps: { money: 10_000 }, bound })).filter((line) => /^(bot|fleet)/.test(line))).toEqual(
    [
      'bot:gbt_1 money 900 day {"day":10000}',
      'bot:gbt_1 tokensIn 4000 day {}',
      'bot:gbt_1 tokensOut 440 day {}',
      'fleet money 900 both {"day":5000000,"month":50000000}',
      'fleet tokensIn 4000 both {"day":5000000}',
      'fleet tokensOut 440 both {"day":700000}',
    ],
  );
  expect(mindWants({ bot, caps, bound: { costMicros: 0, tokensIn: 0, tokensOut: 0, images: 0 } })).toEqual([]);
});
