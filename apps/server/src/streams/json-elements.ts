import { isUtf8 } from 'node:buffer';
import { invalid, type MusterError } from '#kernel/base';
import { streamsLimits } from './limits.ts';

/* Reads JSON text once: checks it whole (RFC 8259) and finds where each element begins and ends, so that elements are stored
 * as they came: number forms, key order, duplicate keys and inner white space survive. */

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openArray = 0x5b;
const backslash = 0x5c;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

const broken = (at: number): MusterError =>
  invalid('json_invalid', `The body is not JSON: it breaks off or goes wrong at byte ${at}.`, { extra: { at } });
const tooDeep = (): MusterError =>
  invalid('json_invalid', `The body is nested deeper than ${streamsLimits.jsonDepthMax} levels.`);

/**
 * The messages in a body: the elements of a top-level array, else the one value. Slices of `body`, without white space
 * around them. Errors: `json_invalid` (also for bytes that are not UTF-8), `body_too_large` (413) beyond `most`.
 */
export function jsonElements(body: Uint8Array, most: number): Uint8Array[] {
  if (!isUtf8(body)) throw invalid('json_invalid', 'The body is not valid UTF-8.');
  const start = skipSpace(body, 0);
  if (body[start] !== openArray) {
    const end = valueEnd(body, start);
    if (skipSpace(body, end) !== body.length) throw broken(end);
    return [body.subarray(start, end)];
  }
  const elements: Uint8Array[] = [];
  let at = skipSpace(body, start + 1);
  if (body[at] === closeArray) at += 1;
  else {
    for (;;) {
      if (elements.length === most) throw tooMany(most);
      const end = valueEnd(body, at);
      elements.push(body.subarray(at, end));
      at = skipSpace(body, end);
      if (body[at] === closeArray) {
        at += 1;
        break;
      }
      if (body[at] !== comma) throw broken(at);
      at = skipSpace(body, at + 1);
    }
  }
  if (skipSpace(body, at) !== body.length) throw broken(at);
  return elements;
}

const tooMany = (most: number): MusterError =>
  invalid('body_too_large', `An append holds at most ${most} messages.`, { status: 413, extra: { messagesMax: most } });

/** Which containers are open around the present byte: 1 = object. Shared by all calls, each runs to its end at once. */
const open = new Uint8Array(streamsLimits.jsonDepthMax);

/** Where the value that begins at `start` ends. */
function valueEnd(body: Uint8Array, start: number): number {
  let depth = 0;
  let at = start;
  for (;;) {
    const byte = body[at];
    if (byte === openObject || byte === openArray) {
      const inside = skipSpace(body, at + 1);
      if (body[inside] !== (byte === openObject ? closeObject : closeArray)) {
        if (depth === open.length) throw tooDeep();
        open[depth++] = byte === openObject ? 1 : 0;
        at = byte === openObject ? keyEnd(body, inside) : inside;
        continue;
      }
      at = inside + 1;
    } else at = scalarEnd(body, at);
    // A value is complete: close what it completes, or go on to the next one.
    for (;;) {
      if (depth === 0) return at;
      at = skipSpace(body, at);
      const inObject = open[depth - 1] === 1;
      if (body[at] === comma) {
        at = skipSpace(body, at + 1);
        if (inObject) at = keyEnd(body, at);
        break;
      }
      if (body[at] !== (inObject ? closeObject : closeArray)) throw broken(at);
      depth -= 1;
      at += 1;
    }
  }
}

/** Behind a key and its colon, where the value begins. */
function keyEnd(body: Uint8Array, start: number): number {
  if (body[start] !== quote) throw broken(start);
  const at = skipSpace(body, stringEnd(body, start));
  if (body[at] !== colon) throw broken(at);
  return skipSpace(body, at + 1);
}

function scalarEnd(body: Uint8Array, at: number): number {
  switch (body[at] ?? 0) {
    case quote:
      return stringEnd(body, at);
    case 0x74:
      return wordEnd(body, at, 'true');
    case 0x66:
      return wordEnd(body, at, 'false');
    case 0x6e:
      return wordEnd(body, at, 'null');
    default:
      return numberEnd(body, at);
  }
}

function stringEnd(body: Uint8Array, start: number): number {
  for (let at = start + 1; at < body.length; at++) {
    const byte = body[at] as number;
    if (byte === quote) return at + 1;
    if (byte < 0x20) throw broken(at);
    if (byte === backslash) at = escapeEnd(body, at + 1);
  }
  throw broken(body.length);
}

/** Last byte of the escape whose letter is at `at`. */
function escapeEnd(body: Uint8Array, at: number): number {
  switch (body[at] ?? 0) {
    case quote:
    case backslash:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at;
    case 0x75:
      for (let digit = at + 1; digit <= at + 4; digit++) if (!isHex(body[digit])) throw broken(digit);
      return at + 4;
    default:
      throw broken(at);
  }
}

function wordEnd(body: Uint8Array, at: number, word: string): number {
  for (let i = 0; i < word.length; i++) if (body[at + i] !== word.charCodeAt(i)) throw broken(at + i);
  return at + word.length;
}

function numberEnd(body: Uint8Array, start: number): number {
  let at = start;
  if (body[at] === 0x2d) at += 1;
  if (body[at] === 0x30) at += 1;
  else at = digitsEnd(body, at);
  if (body[at] === 0x2e) at = digitsEnd(body, at + 1);
  if (body[at] === 0x65 || body[at] === 0x45) {
    at += 1;
    if (body[at] === 0x2b || body[at] === 0x2d) at += 1;
    at = digitsEnd(body, at);
  }
  return at;
}

/** At least one digit. */
function digitsEnd(body: Uint8Array, start: number): number {
  let at = start;
  while (isDigit(body[at])) at += 1;
  if (at === start) throw broken(at);
  return at;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;
const isHex = (byte: number | undefined): boolean =>
  isDigit(byte) || (byte !== undefined && ((byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)));

function skipSpace(body: Uint8Array, start: number): number {
  let at = start;
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at += 1;
  return at;
}
