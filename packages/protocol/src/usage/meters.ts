/* What is counted. No schemas here. */

export type MeterFact = {
  /** What one of it is: a price says how many of these it is for. */
  unit: 'ms' | 'bytes' | 'byteHours' | 'tokens' | 'micros' | 'count';
  area: 'builds' | 'gallery';
  /** `rules`: by the price list; `itself`: its quantity is money already; `no`: a count that costs nothing by itself. */
  priced: 'rules' | 'itself' | 'no';
  /** What usage may be grouped by. */
  dimensions: readonly string[];
  what: string;
};

export const meters = {
  'build.time': {
    unit: 'ms',
    area: 'builds',
    priced: 'rules',
    dimensions: ['queue', 'platform'],
    what: 'Time that a worker held builds.',
  },
  'build.storage': {
    unit: 'byteHours',
    area: 'builds',
    priced: 'rules',
    dimensions: ['kind'],
    what: 'Sources, certificates and artifacts kept, bytes times hours.',
  },
  'build.transfer': {
    unit: 'bytes',
    area: 'builds',
    priced: 'rules',
    dimensions: [],
    what: 'Bytes of files sent out.',
  },
  'model.tokens.in': {
    unit: 'tokens',
    area: 'gallery',
    priced: 'no',
    dimensions: ['mind', 'persona'],
    what: 'Tokens that minds were asked with.',
  },
  'model.tokens.out': {
    unit: 'tokens',
    area: 'gallery',
    priced: 'no',
    dimensions: ['mind', 'persona'],
    what: 'Tokens that minds answered.',
  },
  'model.calls': {
    unit: 'count',
    area: 'gallery',
    priced: 'no',
    dimensions: ['mind', 'persona'],
    what: 'Calls of minds.',
  },
  'model.cost': {
    unit: 'micros',
    area: 'gallery',
    priced: 'itself',
    dimensions: ['mind', 'persona'],
    what: 'What minds cost by their own price when they were asked.',
  },
  'gallery.acts': {
    unit: 'count',
    area: 'gallery',
    priced: 'no',
    dimensions: ['kind'],
    what: 'Posts, comments, replies and likes.',
  },
} as const satisfies Record<string, MeterFact>;
export type MeterName = keyof typeof meters;
// Object.keys loses the key type; the object above is the proof.
export const meterNames = Object.keys(meters) as [MeterName, ...MeterName[]];

/** Meters that a price rule may name. */
export const pricedMeters = ['build.time', 'build.storage', 'build.transfer'] as const satisfies readonly MeterName[];

export const usageSteps = ['hour', 'day', 'week', 'month'] as const;
export type UsageStep = (typeof usageSteps)[number];
export const weekStarts = ['monday', 'sunday', 'saturday'] as const;
export type WeekStart = (typeof weekStarts)[number];
