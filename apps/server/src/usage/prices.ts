import { type PriceRule, type Prices, putPricesSchema } from '@muster/protocol';
import { nameOf, type Principal, requireInstallation, writeAudit } from '#kernel/auth';
import { conflict, invalid } from '#kernel/base';
import type { Reader } from '#kernel/db';
import type { UsageDeps } from './deps.ts';
import { usageLimits } from './limits.ts';
import { faultOf } from './pricing.ts';
import { insertPrices, readPrices, removeOldPrices } from './queries.ts';

/** One's own machines and disks cost nothing by themselves; whoever rents them says what they cost. */
const defaults: readonly PriceRule[] = [
  { meter: 'build.time', match: {}, price: '0', per: 'hour', from: '2026-01-01' },
  { meter: 'build.storage', match: {}, price: '0', per: 'GiB-month', from: '2026-01-01' },
  { meter: 'build.transfer', match: {}, price: '0', per: 'GiB', from: '2026-01-01' },
];

/** The rules in force and where they come from. */
export async function showPrices({ currency, pricesOfFile }: UsageDeps, reader: Reader): Promise<Prices> {
  const none = { version: 0, currency, updatedAt: null, updatedBy: null };
  if (pricesOfFile) return { ...none, origin: 'file', rules: [...pricesOfFile] };
  const table = await readPrices(reader);
  if (!table) return { ...none, origin: 'defaults', rules: [...defaults] };
  const { version, rules, createdAt, createdBy } = table;
  return { version, currency, origin: 'api', updatedAt: createdAt.toISOString(), updatedBy: createdBy, rules };
}

/**
 * Puts another list in force, whole. Errors: `forbidden` `not_installation_admin`; `invalid` `invalid_prices` with the place;
 * `conflict` `prices_from_file`, `version_conflict`.
 */
export async function putPrices(
  deps: UsageDeps,
  asker: { who: Principal; address: string; requestId: string },
  rules: readonly PriceRule[],
  ifMatch: (version: number) => void,
): Promise<Prices> {
  requireInstallation(asker.who);
  if (deps.pricesOfFile)
    throw conflict(
      'prices_from_file',
      'The prices come from the file that MUSTER_PRICES_FILE names; change them there.',
    );
  requireRight(rules);
  await deps.db.transaction(async (tx) => {
    const before = await showPrices(deps, tx);
    ifMatch(before.version);
    const version = before.version + 1;
    const at = new Date(deps.clock.now());
    if (!(await insertPrices(tx, { version, rules, at, by: nameOf(asker.who) })))
      throw conflict('version_conflict', `They have changed meanwhile: their version is now ${version}.`, {
        extra: { version },
      });
    await removeOldPrices(tx, usageLimits.priceTablesKept);
    await writeAudit(tx, {
      ...asker,
      action: 'prices.changed',
      subject: `prices ${version}`,
      before: { rules: before.rules },
      after: { rules },
    });
  });
  return showPrices(deps, deps.db);
}

function requireRight(rules: readonly PriceRule[]): void {
  const fault = faultOf(rules);
  if (!fault) return;
  throw invalid('invalid_prices', `Rule ${fault.index + 1}: ${fault.detail}.`, {
    errors: [{ pointer: `/rules/${fault.index}`, detail: fault.detail }],
  });
}

/** The rules of a file, as `PUT /v1/prices` takes them. Throws an `Error` that says what is wrong. */
export function parsePrices(text: string, name: string): readonly PriceRule[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid('invalid_prices', `${name} is not JSON.`, { cause });
  }
  const parsed = putPricesSchema.safeParse(Array.isArray(value) ? { rules: value } : value);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw invalid(
      'invalid_prices',
      `${name}: ${first?.path.join('.') ?? ''} ${first?.message ?? 'is not a price list'}`,
    );
  }
  requireRight(parsed.data.rules);
  return parsed.data.rules;
}
