import { MusterError } from '@muster/protocol/errors';

export type ServerEvent = { event: string; data: string };

/** Longer than any page the server sends in one event, base64 included. */
const eventCharactersMax = 64 * 2 ** 20;

/**
 * Server-sent events out of bytes that come in any pieces (HTML, server-sent events, "event stream interpretation").
 * Comments and fields we do not use are left out; an event that is not finished when the bytes end never was one.
 */
export class EventParser {
  readonly #decoder = new TextDecoder();
  #rest = '';
  #event = '';
  #data: string[] = [];
  #size = 0;

  push(bytes: Uint8Array): ServerEvent[] {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const found: ServerEvent[] = [];
    let from = 0;
    // What was kept back holds no line end, but for a CR that may stand last.
    for (let at = Math.max(0, this.#rest.length - 1); at < text.length; at++) {
      const character = text[at];
      if (character !== '\n' && character !== '\r') continue;
      // A CR at the very end may be half of a CRLF: wait for what follows.
      if (character === '\r' && at + 1 === text.length) break;
      const event = this.#line(text.slice(from, at));
      if (event) found.push(event);
      if (character === '\r' && text[at + 1] === '\n') at += 1;
      from = at + 1;
    }
    this.#rest = text.slice(from);
    if (this.#rest.length + this.#size > eventCharactersMax) {
      throw new MusterError('invalid', {
        reason: 'event_too_large',
        detail: 'The server sent an event that does not end.',
      });
    }
    return found;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') {
      const event = { event: this.#event || 'message', data: this.#data.join('\n') };
      const isOne = this.#data.length > 0;
      this.#event = '';
      this.#data = [];
      this.#size = 0;
      return isOne ? event : undefined;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'event') this.#event = value;
    else if (name === 'data') {
      this.#data.push(value);
      this.#size += value.length;
    }
    return undefined;
  }
}
