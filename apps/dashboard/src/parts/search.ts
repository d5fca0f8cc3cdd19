/*
 * What selects the view lives in the URL (D5). A page declares its parameters once; from that come typed values, what is
 * wrong with the rest, and the next URL. An invalid value is kept and shown struck out; all others still apply.
 */

import { partsWords } from '../words/parts.ts';

const words = partsWords.search;

/** One parameter that does not count, and why. */
export type InvalidParam = { key: string; value: string; message: string };

type Parsed<T> = { value: T } | { message: string };
/** How one text of the URL becomes a value, and back. */
export type Param<T> = {
  many: boolean;
  none: T;
  read(texts: readonly string[]): { value: T; bad: Bad[] };
  write(value: T): string[];
};
type Bad = { text: string; message: string };

/** At most this much of one value is looked at; a URL may be made by anybody. */
const textMax = 500;
const manyMax = 50;

type One<T> = { parse: (text: string) => Parsed<T>; print: (value: T) => string };

const single = <T>({ parse, print }: One<T>): Param<T | undefined> & { one: One<T> } => ({
  many: false,
  none: undefined,
  one: { parse, print },
  read: (texts) => {
    const [first] = texts;
    if (first === undefined) return { value: undefined, bad: [] };
    const bad = texts.slice(1).map((text) => ({ text, message: words.twice }));
    const parsed = first.length > textMax ? { message: words.long(textMax) } : parse(first);
    return 'value' in parsed
      ? { value: parsed.value, bad }
      : { value: undefined, bad: [{ text: first, message: parsed.message }, ...bad] };
  },
  write: (value) => (value === undefined ? [] : [print(value)]),
});

type Single<T> = Param<T | undefined> & { one: One<T> };

/** Any text that is not empty. */
export const text = (max = 200): Single<string> =>
  single({
    parse: (raw) => (raw.length > max ? { message: words.long(max) } : { value: raw }),
    print: (value) => value,
  });

export const oneOf = <const T extends string>(values: readonly T[]): Single<T> =>
  single<T>({
    parse: (raw) => {
      const value = values.find((each) => each === raw);
      return value === undefined ? { message: words.notOneOf(values) } : { value };
    },
    print: (value) => value,
  });

export const integer = (min: number, max: number): Single<number> =>
  single({
    parse: (raw) => {
      const value = Number(raw);
      return /^-?\d{1,15}$/.test(raw) && value >= min && value <= max
        ? { value }
        : { message: words.notInteger(min, max) };
    },
    print: String,
  });

/** On when it is there. */
export const flag = (): Param<boolean> => ({
  many: false,
  none: false,
  read: ([first]) =>
    first === undefined || first === '1' || first === '0'
      ? { value: first === '1', bad: [] }
      : { value: false, bad: [{ text: first, message: words.notFlag }] },
  write: (value) => (value ? ['1'] : []),
});

/** A moment as ISO text with its zone, such as `2026-11-20T12:00:00Z`. */
export const instant = (): Single<string> =>
  single({
    parse: (raw) =>
      /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(raw) && Number.isFinite(Date.parse(raw))
        ? { value: raw }
        : { message: words.notInstant },
    print: (value) => value,
  });

/** A length of time that ends now: `15m`, `24h`, `7d`. */
export const span = (): Single<string> =>
  single({
    parse: (raw) => (/^[1-9]\d{0,3}[mhd]$/.test(raw) ? { value: raw } : { message: words.notSpan }),
    print: (value) => value,
  });

/** `key=value`. */
export const pair = (): Single<string> =>
  single({
    parse: (raw) => (/^[^=]{1,100}=.{0,300}$/s.test(raw) ? { value: raw } : { message: words.notPair }),
    print: (value) => value,
  });

/** Several values under one name: `?state=queued&state=failed`. */
export const many = <T>({ one }: Single<T>): Param<T[]> => ({
  many: true,
  none: [],
  read: (texts) => {
    const value: T[] = [];
    const bad: Bad[] = [];
    for (const [i, raw] of texts.entries()) {
      const parsed: Parsed<T> =
        i >= manyMax
          ? { message: words.many(manyMax) }
          : raw.length > textMax
            ? { message: words.long(textMax) }
            : one.parse(raw);
      if (!('value' in parsed)) bad.push({ text: raw, message: parsed.message });
      else if (!value.includes(parsed.value)) value.push(parsed.value);
    }
    return { value, bad };
  },
  write: (value) => value.map((each) => one.print(each)),
});

type ValueOf<P> = P extends Param<infer T> ? T : never;
export type ValuesOf<S> = { [K in keyof S]: ValueOf<S[K]> };
export type PatchOf<S> = { [K in keyof S]?: ValueOf<S[K]> | undefined };

export type Search<S> = {
  keys: readonly (keyof S & string)[];
  parse(search: string): { values: ValuesOf<S>; invalid: InvalidParam[] };
  /** The query text with some values changed; parameters that are not of this page stay. Empty, or with its `?`. */
  write: (search: string, patch: PatchOf<S>) => string;
  /** Without one value that does not count. */
  drop: (search: string, invalid: InvalidParam) => string;
  /** Without any value of this page. */
  clear: (search: string) => string;
};

/** The parameters of a page. */
export function searchOf<S extends Readonly<Record<string, Param<unknown>>>>(spec: S): Search<S> {
  const keys = Object.keys(spec) as (keyof S & string)[];
  return {
    keys,
    parse: (search) => {
      const params = new URLSearchParams(search);
      const invalid: InvalidParam[] = [];
      const values = Object.fromEntries(
        Object.entries(spec).map(([key, part]) => {
          const { value, bad } = part.read(params.getAll(key).filter((each) => each !== ''));
          invalid.push(...bad.map((each) => ({ key, value: each.text, message: each.message })));
          return [key, value];
        }),
      ) as ValuesOf<S>;
      return { values, invalid };
    },
    write: (search, patch) => {
      const params = new URLSearchParams(search);
      for (const [key, part] of Object.entries(spec)) {
        if (!Object.hasOwn(patch, key)) continue;
        params.delete(key);
        const value: unknown = patch[key as keyof S] ?? part.none;
        for (const each of part.write(value)) if (each !== '') params.append(key, each);
      }
      return queryOf(params);
    },
    drop: (search, { key, value }) => {
      const params = new URLSearchParams(search);
      const kept = params.getAll(key).filter((each) => each !== value);
      params.delete(key);
      for (const each of kept) params.append(key, each);
      return queryOf(params);
    },
    clear: (search) => {
      const params = new URLSearchParams(search);
      for (const key of keys) params.delete(key);
      return queryOf(params);
    },
  };
}

function queryOf(params: URLSearchParams): string {
  const query = params.toString();
  // Easier to read and to type; none of these has a meaning in a query.
  return query === ''
    ? ''
    : `?${query.replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%2C', ',').replaceAll('%3D', '=')}`;
}
