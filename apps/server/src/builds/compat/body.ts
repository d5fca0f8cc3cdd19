import type { Call } from '#kernel/http';
import { refuse } from './legacy-error.ts';

export type LegacyBody = Readonly<Record<string, unknown>>;

const depthMax = 32;
const usualBytesMax = 2 ** 20;

/**
 * A JSON body as the old clients send it: none at all is `{}`; the content type is not looked at; line breaks and other
 * control bytes inside of strings, which their shell scripts do not escape, are escaped for them. What Postgres cannot
 * hold (NUL, half a surrogate pair) is taken out.
 */
export async function readBody(call: Pick<Call, 'bytes'>, bytesMax: number = usualBytesMax): Promise<LegacyBody> {
  const text = (await call.bytes({ bytesMax })).toString('utf8').trim();
  if (text === '') return {};
  const value = clean(parse(text), 0);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badJson();
  return value as LegacyBody;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(escapeControls(text));
    } catch {
      throw badJson();
    }
  }
}

const badJson = (): Error => refuse(400, 'Invalid JSON body');

/** Bytes 0x00-0x1F inside of strings become `\u00xx`; outside of them they are space and stay. */
export function escapeControls(text: string): string {
  let inside = false;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (inside && char === '\\') {
      out += char + text.charAt(++i);
      continue;
    }
    if (char === '"') inside = !inside;
    out += inside && char < ' ' ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : char;
  }
  return out;
}

function clean(value: unknown, depth: number): unknown {
  if (depth > depthMax) throw badJson();
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [cleanText(name), clean(item, depth + 1)]));
}

export const cleanText = (text: string): string => text.replaceAll('\0', '').toWellFormed();

/** A field when it is text that is not empty. */
export function textOf(body: LegacyBody, name: string): string | undefined {
  const value = body[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A field when it is a finite number. */
export function numberOf(body: LegacyBody, name: string): number | undefined {
  const value = body[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function objectOf(body: LegacyBody, name: string): LegacyBody | undefined {
  const value = body[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as LegacyBody) : undefined;
}
