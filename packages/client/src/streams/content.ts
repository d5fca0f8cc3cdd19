import { MusterError } from '@muster/protocol/errors';

/**
 * How a stream's content reaches whoever reads: parsed JSON, one record a message; text and bytes, one record a batch.
 * Raw JSON is the text of each message exactly as it was appended.
 */
export type Form = 'json' | 'raw-json' | 'text' | 'raw-text' | 'bytes';

export const isJson = (contentType: string): boolean => /^application\/json\s*(;|$)/i.test(contentType.trim());
const isText = (contentType: string): boolean => /^text\//i.test(contentType.trim());

/** `raw`: byte for byte, nothing parsed and nothing decoded. */
export function formOf(contentType: string, raw: boolean): Form {
  if (isJson(contentType)) return raw ? 'raw-json' : 'json';
  if (!isText(contentType)) return 'bytes';
  return raw ? 'raw-text' : 'text';
}

/** The records in a body, or in the data of one event. Unreadable JSON is a body that was cut. */
export function recordsOf(form: Form, body: Uint8Array): readonly unknown[] {
  if (body.length === 0) return [];
  if (form === 'bytes' || form === 'raw-text') return [body];
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body);
  if (form === 'text') return [text];
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) return form === 'json' ? parsed : elementsOf(text);
  } catch {
    // Said below.
  }
  throw new MusterError('unavailable', {
    reason: 'answer_cut',
    detail: 'The answer is not the JSON array it should be.',
  });
}

/** The elements of a valid JSON array as they are written: numbers keep their digits, objects their order. */
export function elementsOf(array: string): string[] {
  const found: string[] = [];
  const end = array.lastIndexOf(']');
  let depth = 0;
  let from = array.indexOf('[') + 1;
  for (let at = from; at < end; at++) {
    const character = array[at];
    if (character === '"') at = endOfString(array, at);
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    else if (character === ',' && depth === 0) {
      found.push(array.slice(from, at).trim());
      from = at + 1;
    }
  }
  const last = array.slice(from, end).trim();
  return last === '' ? found : [...found, last];
}

function endOfString(text: string, opening: number): number {
  for (let at = opening + 1; ; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
}

/** JSON that is sent as it is written, for whoever has text and wants no digit changed: `append(rawJson(line))`. */
export class RawJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Throws a `SyntaxError` when it is none. */
export function rawJson(text: string): RawJson {
  JSON.parse(text);
  return new RawJson(text);
}

export type Content = string | Uint8Array | RawJson | object | number | boolean | null;

/** What a stream most likely holds when this is appended to it; said with `contentType`, nothing is guessed. */
export function typeFor(content: Content): string {
  if (typeof content === 'string') return 'text/plain';
  return content instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
}

/** One message as it is sent. In a JSON stream every value is one message, a list too. */
export function encode(content: Content, contentType: string): string | Uint8Array {
  if (content instanceof RawJson) return content.text;
  if (isJson(contentType)) {
    const text = JSON.stringify(content) as string | undefined;
    if (text !== undefined && !(content instanceof Uint8Array)) return text;
  } else if (typeof content === 'string' || content instanceof Uint8Array) return content;
  throw new MusterError('invalid', {
    reason: 'content_type_differs',
    detail: `A stream of ${contentType} takes ${isJson(contentType) ? 'JSON values' : 'text or bytes'}, not this.`,
  });
}

const encoder = new TextEncoder();
export const bytesOf = (message: string | Uint8Array): Uint8Array<ArrayBuffer> =>
  typeof message === 'string' ? encoder.encode(message) : new Uint8Array(message);

/** The body of one append: JSON messages as one array, of which the server takes each element; others end to end. */
export function bodyOf(
  messages: readonly (string | Uint8Array)[],
  contentType: string,
): Uint8Array<ArrayBuffer> | string {
  if (isJson(contentType))
    return `[${messages.map((each) => (typeof each === 'string' ? each : decode(each))).join(',')}]`;
  const [only] = messages;
  if (messages.length === 1 && only !== undefined) return typeof only === 'string' ? only : bytesOf(only);
  const parts = messages.map(bytesOf);
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** In UTF-8, without encoding it. */
export function sizeOf(message: string | Uint8Array): number {
  if (typeof message !== 'string') return message.length;
  let size = message.length;
  for (let at = 0; at < message.length; at++) {
    const unit = message.charCodeAt(at);
    // A surrogate pair is two units and four bytes.
    if (unit > 0x7f) size += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return size;
}

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text.replaceAll('\n', ''));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
