import type { Build, PriceRule } from '@muster/protocol';

export type CostLine = {
  meter: 'build.time' | 'build.transfer';
  /** Milliseconds, or bytes. */
  quantity: number;
  rule: PriceRule | undefined;
  /** Millionths of the currency; `null`: it has no price. */
  micros: number | null;
};

const unitOf: Readonly<Record<string, number>> = { hour: 3_600_000, minute: 60_000, GiB: 2 ** 30 };

/** What one build used of what is metered for it alone; storage is counted for all files together. */
export function costOf(build: Build, rules: readonly PriceRule[]): CostLine[] {
  const dimensions = {
    queue: build.queue,
    platform: build.platform,
    ...(build.workerId === null ? {} : { worker: build.workerId }),
  };
  return [
    line('build.time', build.cost.workerMs, rules, dimensions),
    line('build.transfer', build.cost.sentBytes, rules, {}),
  ];
}

function line(
  meter: CostLine['meter'],
  quantity: number,
  rules: readonly PriceRule[],
  dimensions: Readonly<Record<string, string>>,
): CostLine {
  const rule = ruleFor(meter, rules, dimensions);
  const unit = rule ? (unitOf[rule.per] ?? Number(rule.per)) : Number.NaN;
  const micros = rule && unit > 0 ? Math.round((Number(rule.price) * 1e6 * quantity) / unit) : null;
  return { meter, quantity, rule, micros };
}

/** The newest rule that matches with the most dimensions, as the server's own reckoning does it. */
function ruleFor(
  meter: string,
  rules: readonly PriceRule[],
  dimensions: Readonly<Record<string, string>>,
): PriceRule | undefined {
  return rules
    .filter(
      (rule) =>
        rule.meter === meter && Object.entries(rule.match).every(([name, want]) => fits(dimensions[name], want)),
    )
    .toSorted((a, b) => Object.keys(b.match).length - Object.keys(a.match).length || b.from.localeCompare(a.from))[0];
}

const fits = (value: string | undefined, want: string): boolean =>
  value !== undefined && (want.endsWith('*') ? value.startsWith(want.slice(0, -1)) : value === want);
