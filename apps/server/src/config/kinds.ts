import { isIP } from 'node:net';
import { z } from 'zod';

/** How one type of value is read from text, said to people, and written back. */
export type Kind<T> = {
  type: string;
  /** What is allowed, to end the sentence "It takes …". */
  allowed: string;
  parse: z.ZodType<T, string>;
  show(value: T): string;
};

const text = z.string().trim();
const refuse = (ctx: z.RefinementCtx<string>, allowed: string): never => {
  ctx.addIssue({ code: 'custom', message: allowed });
  return z.NEVER;
};

export function string({ min = 1, max = 4096 } = {}): Kind<string> {
  const allowed = `text of ${min} to ${max} characters`;
  return {
    type: 'text',
    allowed,
    parse: text.transform((given, ctx) => (given.length < min || given.length > max ? refuse(ctx, allowed) : given)),
    show: (value) => value,
  };
}

export function path(): Kind<string> {
  return { ...string(), type: 'path', allowed: 'a path' };
}

export function count({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}): Kind<number> {
  const allowed =
    max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`;
  return {
    type: 'number',
    allowed,
    parse: text.transform((given, ctx) => {
      const value = /^-?\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
      return value >= min && value <= max ? value : refuse(ctx, allowed);
    }),
    show: String,
  };
}

export const port = (): Kind<number> => ({
  ...count({ min: 0, max: 65_535 }),
  type: 'port',
  allowed: 'a port from 1 to 65535, or 0 for a free one',
});
export const days = (): Kind<number> => ({
  ...count({ min: 1, max: 36_500 }),
  type: 'days',
  allowed: 'a number of days, at least 1',
});

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s`, `1500ms`, `2h`; a bare number is milliseconds. */
export function duration({ min = 0, max = 366 * 86_400_000 } = {}): Kind<number> {
  const allowed = `a duration from ${showDuration(min)} to ${showDuration(max)}, such as 30s, 1500ms or 2h (a bare number is milliseconds)`;
  return {
    type: 'duration',
    allowed,
    parse: text.transform((given, ctx) => {
      const value = scaled(given, /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/, durationUnits, 'ms');
      return value !== undefined && value >= min && value <= max ? value : refuse(ctx, allowed);
    }),
    show: showDuration,
  };
}

const sizeUnits: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** `64MiB`, `1GB`; a bare number is bytes. */
export function size({ min = 0, max = 2 ** 50 } = {}): Kind<number> {
  const upTo = max === 2 ** 50 ? '' : ` to ${showSize(max)}`;
  const allowed = `a size from ${showSize(min)}${upTo}, such as 64MiB or 1GB (a bare number is bytes)`;
  return {
    type: 'size',
    allowed,
    parse: text.transform((given, ctx) => {
      const value = scaled(given, /^(\d+(?:\.\d+)?)\s*([KMGT]i?B|B)?$/, sizeUnits, 'B');
      return value !== undefined && value >= min && value <= max ? value : refuse(ctx, allowed);
    }),
    show: showSize,
  };
}

function scaled(
  given: string,
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
  usual: string,
): number | undefined {
  const found = pattern.exec(given);
  const factor = units[found?.[2] ?? usual];
  if (!found || factor === undefined) return undefined;
  const value = Number(found[1]) * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

const shownBy = (value: number, units: readonly (readonly [string, number])[]): string => {
  const [name, factor] = units.find(([, unit]) => value >= unit && value % unit === 0) ?? ['', 1];
  return `${value / factor}${name}`;
};
function showDuration(value: number): string {
  return value === 0 ? '0' : shownBy(value, Object.entries(durationUnits).toReversed());
}
function showSize(value: number): string {
  return value === 0
    ? '0'
    : shownBy(value, [
        ['TiB', 2 ** 40],
        ['GiB', 2 ** 30],
        ['MiB', 2 ** 20],
        ['KiB', 2 ** 10],
      ]);
}

const words: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  on: true,
  yes: true,
  false: false,
  '0': false,
  off: false,
  no: false,
};

export function flag(): Kind<boolean> {
  const allowed = 'true or false (also 1/0, on/off, yes/no)';
  return {
    type: 'switch',
    allowed,
    parse: text.transform((given, ctx) => words[given.toLowerCase()] ?? refuse(ctx, allowed)),
    show: String,
  };
}

/** Three letters, as banks write them. */
export function currency(): Kind<string> {
  const allowed = 'a currency of three letters such as EUR';
  return {
    type: 'text',
    allowed,
    parse: text.transform((given, ctx) => (/^[a-z]{3}$/i.test(given) ? given.toUpperCase() : refuse(ctx, allowed))),
    show: (value) => value,
  };
}

export function choice<const T extends string>(values: readonly T[]): Kind<T> {
  const allowed = `one of ${values.join(', ')}`;
  return {
    type: 'choice',
    allowed,
    parse: text.transform(
      (given, ctx) => values.find((value) => value === given.toLowerCase()) ?? refuse(ctx, allowed),
    ),
    show: (value) => value,
  };
}

export function list<T>(of: Kind<T>, { max = 100 } = {}): Kind<readonly T[]> {
  const allowed = `a list, separated by commas, of at most ${max}; each ${of.allowed}`;
  return {
    type: `list of ${of.type}`,
    allowed,
    parse: text.transform((given, ctx) => {
      const items = given
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
      if (items.length > max) return refuse(ctx, allowed);
      const parsed: T[] = [];
      for (const item of items) {
        const result = of.parse.safeParse(item);
        if (!result.success) return refuse(ctx, `${JSON.stringify(item)} is not ${of.allowed}`);
        parsed.push(result.data);
      }
      return parsed;
    }),
    show: (values) => values.map((value) => of.show(value)).join(','),
  };
}

export function url(protocols: readonly string[]): Kind<string> {
  const allowed = `an address with its scheme (${protocols.map((protocol) => `${protocol}//…`).join(', ')})`;
  return {
    type: 'url',
    allowed,
    parse: text.transform((given, ctx) =>
      URL.canParse(given) && protocols.includes(new URL(given).protocol) ? given : refuse(ctx, allowed),
    ),
    show: (value) => value,
  };
}

const rangeNames = ['loopback', 'linklocal', 'uniquelocal'];

function isRange(given: string): boolean {
  const [address = '', bits, ...rest] = given.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return (
    rangeNames.includes(given) ||
    (most > 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most)))
  );
}

export function addressRange(): Kind<string> {
  const allowed = 'an address, a range such as 10.0.0.0/8, or loopback, linklocal, uniquelocal';
  return {
    type: 'address range',
    allowed,
    parse: text.transform((given, ctx) => (isRange(given) ? given : refuse(ctx, allowed))),
    show: (value) => value,
  };
}

/** `/` or `/muster`: leading slash, none at the end, no dots. Read without the slash at the end, so the root is empty. */
export function basePath(): Kind<string> {
  const allowed = 'a path that begins with a slash and holds neither .. nor //';
  return {
    type: 'path',
    allowed,
    parse: text.transform((given, ctx) =>
      /^\/(?:[\w.~-]+(?:\/[\w.~-]+)*\/?)?$/.test(given) && !given.includes('..')
        ? given.replace(/\/$/, '')
        : refuse(ctx, allowed),
    ),
    show: (value) => value || '/',
  };
}
