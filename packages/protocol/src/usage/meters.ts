/* What is counted. No schemas here. */

export type MeterFact = {
  /** What one of it is: a price says how many of these it is for. */
  unit: 'ms' | 'bytes' | 'byteHours' | 'tokens' | 'count';
  area: 'builds' | 'gallery';
  /** Whether no price is something to tell: counts that cost nothing by themselves are not "unpriced". */
  priced: boolean;
  /** What usage may be grouped by. */
  dimensions: readonly string[];
  what: string;
};

export const meters = {
  'build.time': {
    unit: 'ms',
    area: 'builds',
    priced: true,
    dimensions: ['queue', 'platform', 'worker'],
    what: 'Time that a worker held builds.',
  },
  'build.storage': {
    unit: 'byteHours',
    area: 'builds',
    priced: true,
    dimensions: ['kind'],
    what: 'Sources, certificates and artifacts kept, bytes times hours.',
  },
  'build.transfer': { unit: 'bytes', area: 'builds', priced: true, dimensions: [], what: 'Bytes of files sent out.' },
  'model.tokens.in': {
    unit: 'tokens',
    area: 'gallery',
    priced: true,
    dimensions: ['mind', 'persona'],
    what: 'Tokens that minds were asked with.',
  },
  'model.tokens.out': {
    unit: 'tokens',
    area: 'gallery',
    priced: true,
    dimensions: ['mind', 'persona'],
    what: 'Tokens that minds answered.',
  },
  'model.calls': {
    unit: 'count',
    area: 'gallery',
    priced: false,
    dimensions: ['mind', 'persona'],
    what: 'Thoughts that asked a mind.',
  },
  'gallery.acts': {
    unit: 'count',
    area: 'gallery',
    priced: false,
    dimensions: ['kind', 'persona'],
    what: 'Posts, comments, replies and likes.',
  },
} as const satisfies Record<string, MeterFact>;
export type MeterName = keyof typeof meters;
// Object.keys loses the key type; the object above is the proof.
export const meterNames = Object.keys(meters) as [MeterName, ...MeterName[]];

export const usageSteps = ['hour', 'day', 'week', 'month'] as const;
export type UsageStep = (typeof usageSteps)[number];
export const weekStarts = ['monday', 'sunday', 'saturday'] as const;
export type WeekStart = (typeof weekStarts)[number];
