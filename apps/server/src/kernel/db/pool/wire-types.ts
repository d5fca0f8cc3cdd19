import { type CustomTypesConfig, types } from 'pg';

const int8 = 20;
const int8Array = 1016;
const date = 1082;
const timestamp = 1114;

/** A bigint column as a JS number. Past 2^53 the number would be another one, so that is refused instead. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new Error(`bigint ${text} does not fit a JS number; cast it to text in the query`);
  return value;
}

/** Text of a column as a JS value. */
export type Parse = (value: string) => unknown;
const asText: Parse = (value) => value;

function parserOf(oid: number): Parse | undefined {
  switch (oid) {
    case int8:
      return parseInt8;
    case int8Array:
      return (value) =>
        value
          .slice(1, -1)
          .split(',')
          .filter(Boolean)
          .map((item) => (item === 'NULL' ? null : parseInt8(item)));
    case date:
    case timestamp:
      // No zone in the value: the driver would read it in this machine's zone. It stays text.
      return asText;
    default:
      return undefined;
  }
}

function parserOfDriver(oid: number, format: 'text' | 'binary'): Parse {
  const parse: unknown = types.getTypeParser(oid, format);
  return parse as Parse;
}

/** How column values become JS values: bigint → number, timestamptz → Date, date and timestamp → text, rest as `pg` does. */
export const parserFor = (oid: number): Parse => parserOf(oid) ?? parserOfDriver(oid, 'text');

/** The same for statements that the driver sends by itself. */
export const wireTypes: CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary' = 'text') =>
    format === 'text' ? parserFor(oid) : parserOfDriver(oid, format)) as CustomTypesConfig['getTypeParser'],
};
