import type { BuildFilter } from '@muster/client';
import { attributions, buildStates, failureCodes, platforms } from '@muster/protocol/builds';
import { flag, instant, many, oneOf, searchOf, text } from '../../parts/search.ts';

const windows = ['15m', '1h', '24h', '7d', '30d'] as const;
const windowMs: Readonly<Record<(typeof windows)[number], number>> = {
  '15m': 15 * 60_000,
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 7 * 86_400_000,
  '30d': 30 * 86_400_000,
};

/** What the address of a list of builds can say. */
export const buildSearch = searchOf({
  state: many(oneOf(buildStates)),
  platform: oneOf(platforms),
  queue: text(),
  tag: text(),
  worker: text(),
  key: text(),
  attribution: oneOf(attributions),
  failure: oneOf(Object.keys(failureCodes)),
  retried: flag(),
  last: oneOf(windows),
  from: instant(),
  to: instant(),
  q: text(),
  /** A bulk action whose progress is shown. */
  bulk: text(),
});
export type BuildSearch = ReturnType<typeof buildSearch.parse>['values'];

/** The same for the server. `now`: what "the last hour" counts from. */
export function filterOf(values: BuildSearch, now: number): BuildFilter {
  const { state, platform, queue, tag, worker, key, attribution, failure, retried, last, from, to, q } = values;
  const since =
    last === undefined ? from : new Date(Math.floor((now - windowMs[last]) / 60_000) * 60_000).toISOString();
  return {
    ...(state.length === 0 ? {} : { state: state.join(',') }),
    ...(platform === undefined ? {} : { platform }),
    ...(queue === undefined ? {} : { queue }),
    ...(tag === undefined ? {} : { tag }),
    ...(worker === undefined ? {} : { worker }),
    ...(key === undefined ? {} : { key }),
    ...(attribution === undefined ? {} : { attribution }),
    ...(failure === undefined ? {} : { failure }),
    ...(retried ? { retried: true } : {}),
    ...(since === undefined ? {} : { since }),
    ...(last !== undefined || to === undefined ? {} : { until: to }),
    ...(q === undefined ? {} : { q }),
  };
}
