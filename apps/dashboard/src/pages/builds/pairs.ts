import { buildLimits } from '@muster/protocol/builds';
import { buildsWords as w } from '../../words/builds.ts';

/* `key=value` as people type it, and as the API takes it. */

export const pairsOf = (map: Readonly<Record<string, string>>): string[] =>
  Object.entries(map).map(([key, value]) => `${key}=${value}`);

export function tagsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** What is wrong with a pair; `undefined` when nothing is. */
export function wrongPair(pair: string): string | undefined {
  const at = pair.indexOf('=');
  const key = at < 0 ? pair : pair.slice(0, at);
  if (at < 0 || key === '') return w.wrongPair.shape;
  if (key.length > buildLimits.labelKeyCharsMax) return w.wrongPair.keyLong(buildLimits.labelKeyCharsMax);
  if (pair.length - at - 1 > buildLimits.labelValueCharsMax)
    return w.wrongPair.valueLong(buildLimits.labelValueCharsMax);
  return undefined;
}
