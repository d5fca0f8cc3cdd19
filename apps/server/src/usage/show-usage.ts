import {
  covers,
  type MeterFact,
  type MeterName,
  type Money,
  meterNames,
  meters,
  type PriceRule,
  type Scope,
  type Usage,
  type UsageLine,
  type UsageQuery,
} from '@muster/protocol';
import type { Auth, Principal } from '#kernel/auth';
import { exhausted, nearest } from '#kernel/base';
import type { UsageDeps } from './deps.ts';
import { usageLimits } from './limits.ts';
import { showPrices } from './prices.ts';
import { costOf, decimal, money, priceDays } from './pricing.ts';
import { sumUsage } from './queries.ts';
import { type Range, readRange, refuse } from './read-range.ts';

/** So much of one meter with these dimensions in one stretch of time with one price. */
type Piece = {
  bucket: number;
  meter: MeterName;
  dimensions: Readonly<Record<string, string>>;
  quantity: number;
  /** Of it, what still runs. */
  open: number;
  entries: number;
  /** `undefined`: it has no price. */
  cost: bigint | undefined;
};

const scopeOf: Readonly<Record<MeterFact['area'], Scope>> = { builds: 'builds:read', gallery: 'gallery:read' };

/**
 * What was used and what it cost, in local pieces of time. What runs now is counted up to now, so totals move and never jump
 * back. Errors: `invalid` `invalid_query`; `forbidden` `missing_scope` for a meter asked for; `exhausted` `usage_too_fine`.
 */
export async function showUsage(
  deps: UsageDeps & { auth: Pick<Auth, 'requireScope'> },
  who: Principal,
  query: UsageQuery,
): Promise<Usage> {
  const names = metersAsked(deps, who, query);
  const range = await readRange(deps.db, query, deps.clock.now());
  const { rules } = await showPrices(deps, deps.db);
  const pieces = await readPieces(deps, who.projectId, names, range, rules);
  const { currency } = deps;
  const buckets = range.buckets.map(({ label, start, end }, index) => {
    const mine = pieces.filter(({ bucket }) => bucket === index);
    return {
      label,
      start: start.toISOString(),
      end: end.toISOString(),
      money: moneyOf(currency, mine),
      lines: linesOf(mine, query.group),
    };
  });
  return {
    from: range.from.toISOString(),
    to: range.to.toISOString(),
    by: query.by,
    tz: query.tz,
    group: query.group,
    currency,
    buckets,
    total: { money: moneyOf(currency, pieces), lines: linesOf(pieces, query.group) },
  };
}

export type TodaysCost = { total: Money; yesterday: Money; builds: Money; gallery: Money };

/** What today cost so far, by area, and the day before as a whole. Errors: `invalid` `invalid_query` for a zone that is none. */
export async function costToday(deps: UsageDeps, projectId: string, tz: string): Promise<TodaysCost> {
  const range = await readRange(deps.db, { ...todayQuery, tz }, deps.clock.now());
  const { rules } = await showPrices(deps, deps.db);
  const [before, today] = range.buckets.slice(-2);
  const buckets = before && today ? [before, today] : [];
  const pieces = await readPieces(
    deps,
    projectId,
    meterNames,
    { ...range, from: before?.start ?? range.from, buckets },
    rules,
  );
  const of = (bucket: number, area?: MeterFact['area']): Money =>
    moneyOf(
      deps.currency,
      pieces.filter((piece) => piece.bucket === bucket && (area === undefined || meters[piece.meter].area === area)),
    );
  return { total: of(1), yesterday: of(0), builds: of(1, 'builds'), gallery: of(1, 'gallery') };
}

const todayQuery = { by: 'day', weekStart: 'monday', group: 'meter' } as const;

function metersAsked(
  { auth }: { auth: Pick<Auth, 'requireScope'> },
  who: Principal,
  { meter, group }: UsageQuery,
): MeterName[] {
  const dimensions = new Set(meterNames.flatMap((name) => meters[name].dimensions as readonly string[]));
  if (group !== 'meter' && !dimensions.has(group))
    throw refuse('group', `Usage is grouped by meter, ${[...dimensions].join(', ')}.`);
  const areas = [...new Set(meterNames.map((name) => meters[name].area))];
  if (meter === undefined) {
    const seen = areas.filter((area) => holds(who, scopeOf[area]));
    if (seen.length === 0) auth.requireScope(who, 'builds:read');
    return meterNames.filter((name) => seen.includes(meters[name].area));
  }
  return meter.split(',').map((word) => {
    const name = word.trim();
    const known = meterNames.find((candidate) => candidate === name);
    if (!known) {
      const near = nearest(name, meterNames);
      throw refuse('meter', `There is no meter ${name}.${near === undefined ? '' : ` Did you mean ${near}?`}`);
    }
    auth.requireScope(who, scopeOf[meters[known].area]);
    return known;
  });
}

async function readPieces(
  deps: UsageDeps,
  projectId: string,
  names: readonly MeterName[],
  { from, to, buckets }: Range,
  rules: readonly PriceRule[],
): Promise<Piece[]> {
  if (buckets.length === 0 || names.length === 0) return [];
  const now = deps.clock.now();
  const starts = buckets.map(({ start }) => start.getTime());
  const changes = priceDays(rules).filter((at) => at > from.getTime() && at < to.getTime());
  const bounds = [...new Set([...starts, ...changes])].sort((a, b) => a - b);
  const bucketAt = (at: number): number =>
    Math.max(
      0,
      starts.findLastIndex((start) => start <= at),
    );
  const [sums, held] = await Promise.all([
    sumUsage(deps.db, {
      projectId,
      meters: names,
      from,
      to,
      bounds: bounds.map((at) => new Date(at)),
      limit: usageLimits.rowsMax + 1,
    }),
    names.includes('build.time') && to.getTime() > now - 1 ? deps.heldTimes(projectId) : [],
  ]);
  if (sums.length > usageLimits.rowsMax)
    throw exhausted(
      'usage_too_fine',
      'That is more than one answer holds. Take a shorter range, longer steps or fewer meters.',
    );
  const stored = sums.flatMap(({ segment, meter, dimensions, quantity, entries }): Piece[] => {
    const known = names.find((name) => name === meter);
    // What lies in the hour before the first bound belongs to the first bucket.
    const at = bounds[Math.max(0, segment - 1)];
    if (known === undefined || at === undefined) return [];
    const cost = costOf(rules, known, dimensions, quantity, at);
    return [{ bucket: bucketAt(at), meter: known, dimensions, quantity, open: 0, entries, cost }];
  });
  const running = held.flatMap(({ startedAt, queue, platform }) =>
    bounds.flatMap((bound, i): Piece[] => {
      const begins = Math.max(bound, startedAt.getTime());
      const ends = Math.min(bounds[i + 1] ?? to.getTime(), now);
      const ms = Math.round(ends - begins);
      if (ms <= 0) return [];
      const dimensions = { queue, platform };
      const cost = costOf(rules, 'build.time', dimensions, ms, bound);
      return [{ bucket: bucketAt(bound), meter: 'build.time', dimensions, quantity: ms, open: ms, entries: 0, cost }];
    }),
  );
  return [...stored, ...running];
}

const holds = (who: Principal, scope: Scope): boolean =>
  who.kind === 'system' || ((who.kind === 'key' || who.kind === 'person') && covers(who.scopes, scope));

function linesOf(pieces: readonly Piece[], group: string): UsageLine[] {
  const lines = new Map<string, { line: Omit<UsageLine, 'cost'>; cost: bigint; priced: boolean }>();
  for (const { meter, dimensions, quantity, open, entries, cost } of pieces) {
    const value = group === 'meter' ? null : (dimensions[group] ?? null);
    const key = JSON.stringify([meterNames.indexOf(meter), value]);
    const found = lines.get(key) ?? {
      line: { meter, unit: meters[meter].unit, group: value, quantity: 0, open: 0, entries: 0, unpriced: 0 },
      cost: 0n,
      priced: false,
    };
    lines.set(key, found);
    found.line.quantity += quantity;
    found.line.open += open;
    found.line.entries += entries;
    if (cost === undefined) found.line.unpriced += Math.max(1, entries);
    else {
      found.cost += cost;
      found.priced = true;
    }
  }
  return [...lines]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { line, cost, priced }]) => ({ ...line, cost: priced ? decimal(cost) : null }));
}

const moneyOf = (currency: string, pieces: readonly Piece[]): Money =>
  money(
    currency,
    pieces.reduce((sum, { cost = 0n }) => sum + cost, 0n),
    pieces.reduce((sum, { cost, entries }) => sum + (cost === undefined ? Math.max(1, entries) : 0), 0),
  );
