import type { WireValue } from './wire-values.ts';

const code = { parse: 0x50, bind: 0x42, describe: 0x44, execute: 0x45, close: 0x43, sync: 0x53 } as const;
const nul = 0;
const startBytes = 4_096;

/**
 * Messages of the extended query protocol, one behind the other in one buffer, so that a batch of statements leaves in
 * one write. The driver writes each message by itself; half of the time of a small statement went there.
 * (PostgreSQL documentation, "Message Formats".)
 */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(startBytes);
  #at = 0;
  #lengthAt = 0;

  /** Makes `text` known to the server under `name` (empty: until the next one without a name). */
  parse(name: string, text: string): void {
    this.#begin(code.parse);
    this.#text(name);
    this.#text(text);
    this.#int16(0); // types of parameters: all by inference
    this.#end();
  }

  /** Values for the statement `name`; bytes travel as bytes, all else and every answer as text. */
  bind(name: string, values: readonly WireValue[]): void {
    this.#begin(code.bind);
    this.#text('');
    this.#text(name);
    this.#int16(values.length);
    for (const value of values) this.#int16(typeof value === 'object' && value !== null ? 1 : 0);
    this.#int16(values.length);
    for (const value of values) this.#value(value);
    this.#int16(0);
    this.#end();
  }

  describePortal(): void {
    this.#begin(code.describe);
    this.#byte(0x50);
    this.#text('');
    this.#end();
  }

  execute(): void {
    this.#begin(code.execute);
    this.#text('');
    this.#int32(0); // all rows
    this.#end();
  }

  /** Forgets the statement `name`; no error when there is none. */
  close(name: string): void {
    this.#begin(code.close);
    this.#byte(0x53);
    this.#text(name);
    this.#end();
  }

  sync(): void {
    this.#begin(code.sync);
    this.#end();
  }

  /** What was written since the last time; its own from here on. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.#at));
    this.#at = 0;
    // One large statement must not be paid for as long as the process lives.
    if (this.#buffer.length > 64 * startBytes) this.#buffer = Buffer.allocUnsafe(startBytes);
    return taken;
  }

  #begin(kind: number): void {
    this.#byte(kind);
    this.#lengthAt = this.#at;
    this.#int32(0);
  }

  #end(): void {
    this.#buffer.writeInt32BE(this.#at - this.#lengthAt, this.#lengthAt);
  }

  #value(value: WireValue): void {
    if (value === null) {
      this.#int32(-1);
      return;
    }
    if (typeof value === 'string') {
      this.#room(4 + 3 * value.length); // an UTF-16 unit takes at most three bytes
      const bytes = this.#buffer.write(value, this.#at + 4);
      this.#buffer.writeInt32BE(bytes, this.#at);
      this.#at += 4 + bytes;
      return;
    }
    this.#int32(value.length);
    this.#room(value.length);
    this.#at += value.copy(this.#buffer, this.#at);
  }

  #text(text: string): void {
    this.#room(3 * text.length + 1);
    this.#at += this.#buffer.write(text, this.#at);
    this.#buffer[this.#at++] = nul;
  }

  #byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  #int16(value: number): void {
    this.#room(2);
    this.#at = this.#buffer.writeUInt16BE(value, this.#at);
  }

  #int32(value: number): void {
    this.#room(4);
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
