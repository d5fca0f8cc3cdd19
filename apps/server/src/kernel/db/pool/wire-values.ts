/** A parameter as it travels: text, bytes (for `bytea`), or null. */
export type WireValue = string | Buffer | null;

/**
 * A value of a statement as Postgres reads it: times as ISO-8601 in UTC, arrays as array literals, bytes as they are, any
 * other object as JSON. Throws `TypeError` for what has no meaning there (an invalid time, a function, a symbol).
 */
export function toWire(value: unknown): WireValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (ArrayBuffer.isView(value)) return bytesOf(value);
  return textOf(value);
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'object':
      if (Array.isArray(value)) return arrayOf(value);
      return value instanceof Date ? value.toISOString() : JSON.stringify(value);
    case 'undefined':
    case 'function':
    case 'symbol':
    default:
      throw new TypeError(`a ${typeof value} cannot be the value of a statement`);
  }
}

function arrayOf(values: readonly unknown[]): string {
  let text = '{';
  for (const [i, value] of values.entries()) {
    if (i > 0) text += ',';
    if (value === null || value === undefined) text += 'NULL';
    else if (ArrayBuffer.isView(value)) text += `"\\\\x${bytesOf(value).toString('hex')}"`;
    else if (Array.isArray(value)) text += arrayOf(value);
    else text += quoted(textOf(value));
  }
  return `${text}}`;
}

const special = /["\\]/;
const quoted = (text: string): string =>
  special.test(text) ? `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : `"${text}"`;

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.isBuffer(view) ? view : Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}
