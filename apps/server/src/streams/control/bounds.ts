import type { Limits } from '#kernel/base';
import { catalogLimits } from './catalog/limits.ts';
import { tokenLimits } from './tokens/limits.ts';

/** Bounds of the list, of bulk changes, settings and browser tokens; subscriptions list their own. */
export function declareBounds(bounds: Limits): void {
  bounds.add({
    name: 'streams.bulkUnfinished',
    unit: 'count',
    value: catalogLimits.bulkUnfinishedMax,
    whenFull: 'A project starts no further bulk change: 429 bulk_unfinished_max.',
  });
  bounds.add({
    name: 'streams.listScanned',
    unit: 'count',
    value: catalogLimits.scannedMax,
    whenFull: 'A filtered page of the list ends early, with a cursor to go on.',
  });
  bounds.add({
    name: 'streams.publicPatterns',
    unit: 'count',
    value: catalogLimits.publicPatternsMax,
    whenFull: 'The settings are refused: 400.',
  });
  bounds.add({
    name: 'streams.tokenPaths',
    unit: 'count',
    value: tokenLimits.pathsMax,
    whenFull: 'The browser token is not made: 400.',
  });
  bounds.add({
    name: 'streams.tokenTtlMs',
    unit: 'ms',
    value: tokenLimits.ttlMsMax,
    whenFull: 'The browser token is not made: 400.',
  });
}
