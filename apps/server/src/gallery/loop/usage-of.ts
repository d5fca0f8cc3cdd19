import type { UsageEntry } from '#kernel/meter';
import type { Closing } from './remember.ts';

const hourMs = 3_600_000;

/**
 * What thinks that end have used. What costs money is written for each think, under its own id, so that nothing is counted
 * twice; acts cost nothing by themselves and come by the hundred a second, so they are summed over those that end together.
 */
export function usageOf(closings: readonly Closing[]): UsageEntry[] {
  return [...closings.flatMap(boughtBy), ...actsOf(closings)];
}

function boughtBy({ decision, calls, personaId }: Closing): UsageEntry[] {
  const { thoughtId: source, projectId, at, mind, tokensIn, tokensOut, costMicros } = decision;
  // What the offline mind does is no call of anybody.
  if (tokensIn + tokensOut + costMicros === 0) return [];
  const dimensions = { mind: mind.slice(0, 190), ...(personaId === null ? {} : { persona: personaId }) };
  const entry = (meter: string, quantity: number): UsageEntry[] =>
    quantity === 0 ? [] : [{ projectId, meter, quantity, at: new Date(at), source, part: meter, dimensions }];
  return [
    ...entry('model.tokens.in', tokensIn),
    ...entry('model.tokens.out', tokensOut),
    ...entry('model.calls', calls),
    // A call that costs nothing is told all the same: free is not the same as nobody knows.
    { projectId, meter: 'model.cost', quantity: costMicros, at: new Date(at), source, part: 'model.cost', dimensions },
  ];
}

function actsOf(closings: readonly Closing[]): UsageEntry[] {
  const done = closings.flatMap(({ bot: { kind }, decision: { projectId, thoughtId, at } }) =>
    kind === null || kind === 'browse' ? [] : [{ projectId, kind, thoughtId, hour: at - (at % hourMs) }],
  );
  const groups = Map.groupBy(done, ({ projectId, kind, hour }) => `${projectId} ${kind} ${hour}`);
  return [...groups.values()].flatMap((group): UsageEntry[] => {
    const [first] = group;
    if (!first) return [];
    const { projectId, kind, thoughtId, hour } = first;
    return [
      {
        projectId,
        meter: 'gallery.acts',
        quantity: group.length,
        at: new Date(hour),
        source: thoughtId,
        part: `acts ${kind}`,
        dimensions: { kind },
      },
    ];
  });
}
