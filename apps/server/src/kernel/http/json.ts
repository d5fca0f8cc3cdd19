import { invalid, type MusterError } from '#kernel/base';

/**
 * JSON as we take it: UTF-8, at most `depthMax` deep, no NUL and no half surrogate in any text (Postgres could not hold
 * them). Errors name the byte. An empty body reads as `{}`.
 */
export function parseJson(bytes: Uint8Array, depthMax: number): unknown {
  const text = decode(bytes);
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken(text, error);
  }
  checkTexts(value, depthMax);
  return value;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw invalid('bad_text', 'The body is not UTF-8.', { cause: error });
  }
}

function broken(text: string, cause: unknown): MusterError {
  const at = firstError(text);
  const position = Buffer.byteLength(text.slice(0, at));
  const found =
    at >= text.length
      ? 'the body ends too early'
      : `unexpected ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))}`;
  return invalid('bad_json', `The body is not JSON: ${found} at byte ${position}.`, { extra: { position }, cause });
}

type Place = { value: unknown; name: string; parent: Place | undefined; depth: number };

/** Walks without recursion, so that depth is an answer and not a stack overflow. Pointers are spelt only for an error. */
function checkTexts(root: unknown, depthMax: number): void {
  const waiting: Place[] = [{ value: root, name: '', parent: undefined, depth: 0 }];
  for (let place = waiting.pop(); place; place = waiting.pop()) {
    const { value, depth } = place;
    if (typeof value === 'string' && !isText(value)) checkText(value, pointerTo(place));
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= depthMax) {
      const errors = [{ pointer: pointerTo(place), detail: 'nested too deeply' }];
      throw invalid('too_deep', `The body is nested deeper than ${depthMax} levels.`, { errors });
    }
    const entries: [string, unknown][] = Object.entries(value);
    for (const [name, inner] of entries) {
      if (!isText(name)) checkText(name, pointerTo(place));
      waiting.push({ value: inner, name, parent: place, depth: depth + 1 });
    }
  }
}

const pointerTo = ({ name, parent }: Place): string => (parent ? `${pointerTo(parent)}/${escapePointer(name)}` : '');
const isText = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

export const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

export function checkText(text: string, pointer: string): void {
  if (isText(text)) return;
  const detail = text.includes('\0') ? 'holds a NUL character' : 'holds half of a surrogate pair';
  throw invalid('bad_text', `The text at ${pointer || 'the top'} ${detail}.`, { errors: [{ pointer, detail }] });
}

const literals = ['true', 'false', 'null'];
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// oxlint-disable-next-line no-control-regex -- JSON forbids exactly these inside strings
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/**
 * Index of the first character that cannot belong to JSON. V8 names it only in some of its messages. Run only on text
 * that JSON.parse refused.
 */
function firstError(text: string): number {
  let at = 0;
  const open: ('{' | '[')[] = [];
  let expect: 'value' | 'valueOrEnd' | 'nameOrEnd' | 'name' | 'colon' | 'commaOrEnd' | 'end' = 'value';
  const space = (): void => {
    while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at++;
  };
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found !== null;
  };
  const close = (): void => {
    open.pop();
    at++;
    expect = open.length === 0 ? 'end' : 'commaOrEnd';
  };
  for (;;) {
    space();
    const char = text.charAt(at);
    if (char === '' || expect === 'end') return at;
    const inside = open.at(-1);
    if (expect === 'colon') {
      if (char !== ':') return at;
      at++;
      expect = 'value';
    } else if (expect === 'commaOrEnd') {
      if (char === (inside === '{' ? '}' : ']')) close();
      else if (char === ',') {
        at++;
        expect = inside === '{' ? 'name' : 'value';
      } else return at;
    } else if (expect === 'name' || expect === 'nameOrEnd') {
      if (char === '}' && expect === 'nameOrEnd') close();
      else if (char === '"' && take(string)) expect = 'colon';
      else return char === '"' ? insideString(text, at) : at;
    } else if (char === ']' && expect === 'valueOrEnd') close();
    else if (char === '{' || char === '[') {
      open.push(char);
      at++;
      expect = char === '{' ? 'nameOrEnd' : 'valueOrEnd';
    } else {
      const literal = literals.find((word) => text.startsWith(word, at));
      if (literal) at += literal.length;
      else if (char === '"') {
        if (!take(string)) return insideString(text, at);
      } else if (!take(number)) return at;
      expect = open.length === 0 ? 'end' : 'commaOrEnd';
    }
  }
}

/** Where a string that starts at `from` goes wrong: a raw control character, a bad escape, or the end of the text. */
function insideString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const char = text.charAt(at);
    if (char < ' ') return at;
    if (char !== '\\') continue;
    if (!/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(at, at + 6))) return at;
    at++;
  }
  return text.length;
}
