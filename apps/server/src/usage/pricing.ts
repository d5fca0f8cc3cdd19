import { type MeterFact, type MeterName, type Money, meters, type PriceRule } from '@muster/protocol';

/* What a quantity costs. Sums are whole numbers of a millionth of a micro, so that nothing is rounded before it is shown. */

const perMicro = 1_000_000n;
const perUnit = 1_000_000n;
export const dayMs = 86_400_000;

const fixed: Readonly<Record<string, { unit: MeterFact['unit']; of: bigint }>> = {
  hour: { unit: 'ms', of: 3_600_000n },
  minute: { unit: 'ms', of: 60_000n },
  GiB: { unit: 'bytes', of: 2n ** 30n },
  // A month of 730 hours.
  'GiB-month': { unit: 'byteHours', of: 2n ** 30n * 730n },
};

/** What is wrong with a list of rules; `undefined` when nothing is. */
export function faultOf(rules: readonly PriceRule[]): { index: number; detail: string } | undefined {
  const seen = new Set<string>();
  for (const [index, rule] of rules.entries()) {
    const { meter, match, per, from } = rule;
    const fact: MeterFact = meters[meter];
    const word = fixed[per];
    if (word && word.unit !== fact.unit)
      return { index, detail: `${meter} is counted in ${fact.unit}, not per ${per}` };
    const strange = Object.keys(match).find((name) => !fact.dimensions.includes(name));
    if (strange !== undefined)
      return {
        index,
        detail: `${meter} has no ${strange}; it has ${fact.dimensions.join(', ') || 'nothing to match'}`,
      };
    const key = JSON.stringify([meter, from, Object.entries(match).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
    if (seen.has(key)) return { index, detail: 'the same meter, match and day stand twice' };
    seen.add(key);
  }
  return undefined;
}

const fits = (pattern: string, value: string | undefined): boolean =>
  value !== undefined && (pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern);

/** The rule in force: of those that match at that time the one with most dimensions, then the youngest. */
export function ruleFor(
  rules: readonly PriceRule[],
  meter: string,
  dimensions: Readonly<Record<string, string>>,
  at: number,
): PriceRule | undefined {
  let best: PriceRule | undefined;
  for (const rule of rules) {
    if (rule.meter !== meter || Date.parse(rule.from) > at) continue;
    if (!Object.entries(rule.match).every(([name, pattern]) => fits(pattern, dimensions[name]))) continue;
    if (!best || outranks(rule, best)) best = rule;
  }
  return best;
}

function outranks(one: PriceRule, other: PriceRule): boolean {
  const more = Object.keys(one.match).length - Object.keys(other.match).length;
  return more === 0 ? one.from > other.from : more > 0;
}

/** In millionths of a micro; `undefined`: nobody said what it costs. `0n` for what costs nothing by itself. */
export function costOf(
  rules: readonly PriceRule[],
  meter: MeterName,
  dimensions: Readonly<Record<string, string>>,
  quantity: number,
  at: number,
): bigint | undefined {
  const { priced }: MeterFact = meters[meter];
  if (priced === 'no') return 0n;
  if (priced === 'itself') return BigInt(Math.round(quantity)) * perMicro;
  const rule = ruleFor(rules, meter, dimensions, at);
  if (!rule) return undefined;
  const per = fixed[rule.per]?.of ?? BigInt(rule.per);
  return (microsOf(rule.price) * perMicro * BigInt(Math.round(quantity))) / per;
}

function microsOf(price: string): bigint {
  const [whole = '0', places = ''] = price.split('.');
  return BigInt(whole) * perUnit + BigInt(places.padEnd(6, '0'));
}

/** As people read it, rounded to a micro. */
export function decimal(cost: bigint): string {
  const micros = (cost + perMicro / 2n) / perMicro;
  const places = String(micros % perUnit)
    .padStart(6, '0')
    .replace(/0+$/, '')
    .padEnd(2, '0');
  return `${micros / perUnit}.${places}`;
}

/** Days on which a rule begins to count. */
export const priceDays = (rules: readonly PriceRule[]): number[] => [
  ...new Set(rules.map(({ from }) => Date.parse(from))),
];

export const money = (currency: string, cost: bigint, unpriced: number): Money => ({
  currency,
  cost: decimal(cost),
  unpriced,
});
