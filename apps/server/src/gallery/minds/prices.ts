import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { invalid } from '#kernel/base';

const micros = z.number().int().min(0).max(1_000_000_000);
export const priceSchema = z
  .strictObject({
    /** Micros of the one currency for a million tokens. */
    in: micros.optional(),
    cachedIn: micros.optional(),
    out: micros.optional(),
    /** Micros for an image, by `size/quality`, `size`, or `any`. */
    images: z.record(z.string().max(60), micros).optional(),
    asOf: z.iso.date(),
  })
  .refine((price) => (price.in === undefined) === (price.out === undefined), 'in and out belong together');
export type Price = z.infer<typeof priceSchema>;
/** By `provider:model`; a name that ends in `*` counts for all that begin like it. */
export type PriceTable = Readonly<Record<string, Price>>;
const tableSchema = z.record(z.string().min(3).max(200), priceSchema);

export const freePrice: Price = { in: 0, cachedIn: 0, out: 0, images: { any: 0 }, asOf: '2025-01-01' };

/** The shipped list with what an operator puts over it. Throws `invalid` `prices_invalid`. */
export function readPrices(override?: string): PriceTable {
  const shipped = parse(readFileSync(new URL('prices.json', import.meta.url), 'utf8'), 'the shipped price list');
  return override === undefined ? shipped : { ...shipped, ...parse(override, 'the price list') };
}

function parse(text: string, what: string): PriceTable {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid('prices_invalid', `${what} is not JSON.`, { cause });
  }
  const table = tableSchema.safeParse(json);
  if (!table.success) throw invalid('prices_invalid', `${what} cannot be used: ${z.prettifyError(table.error)}`);
  return table.data;
}

/** The price of a model: by its own name, else by the longest beginning; `undefined` = nobody knows. */
export function priceOf(prices: PriceTable, name: string): Price | undefined {
  const exact = prices[name];
  if (exact) return exact;
  const [, found] = Object.entries(prices)
    .filter(([pattern]) => pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1)))
    .reduce<[string, Price | undefined]>(
      (best, next) => (next[0].length > best[0].length ? next : best),
      ['', undefined],
    );
  return found;
}

export type TokenUse = { in: number; cachedIn?: number; out: number };

/** Micros, rounded up; `undefined` when the price has no tokens. */
export function costOf(price: Price, use: TokenUse): number | undefined {
  if (price.in === undefined || price.out === undefined) return undefined;
  const cached = Math.min(use.cachedIn ?? 0, use.in);
  const whole = (use.in - cached) * price.in + cached * (price.cachedIn ?? price.in) + use.out * price.out;
  return Math.ceil(whole / 1_000_000);
}

/** Micros for one image, or the dearest known when its size is not listed: a reservation must not be too small. */
export function imageCostOf(price: Price, size: string, quality: string): number | undefined {
  const { images } = price;
  if (images === undefined) return undefined;
  return images[`${size}/${quality}`] ?? images[size] ?? images['any'] ?? Math.max(0, ...Object.values(images));
}
