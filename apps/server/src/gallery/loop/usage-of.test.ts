import { expect, test } from 'vitest';
import type { Closing } from './remember.ts';
import { usageOf } from './usage-of.ts';

const hour = Date.UTC(2026, 2, 1, 10);
type Part = {
  id: string;
  kind?: string | null;
  cost?: number;
  tokens?: [number, number];
  at?: number;
  project?: string;
};
function closing({ id, kind = 'post', cost = 0, tokens = [0, 0], at = hour + 5, project = 'prj_a' }: Part): Closing {
  const decision = {
    thoughtId: id,
    projectId: project,
    at,
    mind: 'hosted:small',
    tokensIn: tokens[0],
    tokensOut: tokens[1],
  };
  // Only what usage looks at.
  const told = { bot: { kind }, decision: { ...decision, costMicros: cost }, calls: 2, personaId: 'moss' };
  return told as unknown as Closing;
}

test('what costs is told for each think under its own id, with mind and persona', () => {
  const entries = usageOf([closing({ id: 't1', kind: null, cost: 412, tokens: [800, 64] })]);
  expect(
    entries.map(({ meter, quantity, source, part, dimensions }) => [meter, quantity, source, part, dimensions]),
  ).toEqual(
    [
      ['model.tokens.in', 800],
      ['model.tokens.out', 64],
      ['model.calls', 2],
      ['model.cost', 412],
    ].map(([meter, quantity]) => [meter, quantity, 't1', meter, { mind: 'hosted:small', persona: 'moss' }]),
  );
});

test('a call that is free is told, the offline mind and what it browses are not', () => {
  expect(usageOf([closing({ id: 't1', kind: 'browse' })])).toEqual([]);
  expect(usageOf([closing({ id: 't1', kind: null, tokens: [5, 0] })]).map(({ meter }) => meter)).toEqual([
    'model.tokens.in',
    'model.calls',
    'model.cost',
  ]);
});

test('acts that end together are one entry for each project, kind and hour', () => {
  const entries = usageOf([
    closing({ id: 't1' }),
    closing({ id: 't2' }),
    closing({ id: 't3', kind: 'like' }),
    closing({ id: 't4', at: hour + 3_600_001 }),
    closing({ id: 't5', project: 'prj_b' }),
  ]);
  expect(
    entries.map(({ projectId, quantity, at, source, part }) => [
      projectId,
      quantity,
      at.getTime() - hour,
      source,
      part,
    ]),
  ).toEqual([
    ['prj_a', 2, 0, 't1', 'acts post'],
    ['prj_a', 1, 0, 't3', 'acts like'],
    ['prj_a', 1, 3_600_000, 't4', 'acts post'],
    ['prj_b', 1, 0, 't5', 'acts post'],
  ]);
});
