import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { money } from './format.ts';
import { tip } from './tips.ts';

/** An amount of millionths; what has no price says so instead of showing nought. */
export function Money({ micros, currency }: { micros: number | null | undefined; currency?: string }): ReactNode {
  return micros === null || micros === undefined ? (
    <span className="text-soft" {...tip(words.money.notPricedHint)}>
      {words.money.notPriced}
    </span>
  ) : (
    <span className="num">{money(micros, currency)}</span>
  );
}
