import { jsonElements } from '../json-elements.ts';

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;

/**
 * The elements of the field `name` of a frame, as slices of it: numbers, key order and duplicate keys stay as they were
 * sent. The frame must be a JSON object, and the field a list. Errors: those of `jsonElements`.
 */
export function elementsOf(frame: Buffer, name: string, most: number): Uint8Array[] {
  const range = memberOf(frame, name);
  return range === undefined ? [] : jsonElements(frame.subarray(range.start, range.end), most);
}

/** Where the value of a member stands; of several of that name the last one counts, as everywhere. */
function memberOf(json: Buffer, name: string): { start: number; end: number } | undefined {
  let found: { start: number; end: number } | undefined;
  let at = json.indexOf(openBrace) + 1;
  for (;;) {
    const key = json.indexOf(quote, at);
    if (key === -1) return found;
    const keyEnd = stringEnd(json, key);
    const start = skipSpace(json, json.indexOf(':', keyEnd) + 1);
    const end = valueEnd(json, start);
    if (isName(json, key, keyEnd, name)) found = { start, end };
    at = skipSpace(json, end);
    if (json[at] !== comma) return found;
  }
}

/** A name may be spelt with escapes. */
function isName(json: Buffer, start: number, end: number, name: string): boolean {
  const text = json.toString('utf8', start, end);
  return text === `"${name}"` || (text.includes('\\') && JSON.parse(text) === name);
}

/** Of JSON that is known to be right: only strings and depth need to be looked at. */
function valueEnd(json: Buffer, start: number): number {
  const first = json[start];
  if (first === quote) return stringEnd(json, start);
  if (first !== openBrace && first !== openBracket) return scalarEnd(json, start);
  let depth = 0;
  for (let at = start; ; at++) {
    const byte = json[at];
    if (byte === quote) at = stringEnd(json, at) - 1;
    else if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
}

function scalarEnd(json: Buffer, start: number): number {
  let at = start;
  while (at < json.length && json[at] !== comma && json[at] !== closeBrace && !isSpace(json[at])) at += 1;
  return at;
}

function stringEnd(json: Buffer, start: number): number {
  for (let at = start + 1; ; at++) {
    const byte = json[at];
    if (byte === quote) return at + 1;
    if (byte === backslash) at += 1;
  }
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function skipSpace(json: Buffer, start: number): number {
  let at = start;
  while (isSpace(json[at])) at += 1;
  return at;
}
