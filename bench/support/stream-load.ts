/**
 * The load: one connection per stream, one append in flight on each, requests built beforehand. A process of its own, so
 * that what it costs is not the server's. Arguments: url, token or `-`, streams, bytes, milliseconds, first path. Prints JSON.
 */
import { connect, type Socket } from 'node:net';
import { spread } from './report.ts';

const [url = '', token = '-', streamsText = '1', bytesText = '256', msText = '1000', prefix = 'bench'] =
  process.argv.slice(2);
const streams = Number(streamsText);
const ms = Number(msText);
const warmUpMs = Math.min(500, ms / 2);
const { hostname, port, host } = new URL(url);
const body = Buffer.alloc(Number(bytesText), 'm');
const headEnd = Buffer.from('\r\n\r\n');

function request(method: string, path: string, content: Buffer): Buffer {
  const credential = token === '-' ? '' : `authorization: Bearer ${token}\r\n`;
  const head = `${method} /v1/stream/${path} HTTP/1.1\r\nhost: ${host}\r\n${credential}content-type: application/octet-stream\r\ncontent-length: ${content.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), content]);
}

/** Asks again as soon as the answer is in, until `over`. */
class Lane {
  readonly #socket: Socket;
  readonly #append: Buffer;
  readonly #took: number[] = [];
  #asked = 0;
  #answered: ((status: number) => void) | undefined;
  done = 0;
  counting = false;
  over = false;
  broken: string | undefined;

  constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#append = request('POST', path, body);
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => this.#take(data));
    socket.on('close', () => {
      this.broken ??= 'the connection ended';
    });
    socket.on('error', (error) => {
      this.broken = error.message;
    });
  }

  /** Resolves with the status of the answer. */
  create(path: string): Promise<number> {
    this.#socket.write(request('PUT', path, Buffer.alloc(0)));
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  ask(): void {
    this.#asked = performance.now();
    this.#socket.write(this.#append);
  }

  /** Answers to appends are 204: a head and nothing behind it. Answers to creations have no body either. */
  #take(data: Buffer): void {
    const status = Number(data.toString('latin1', 9, 12));
    if (!data.subarray(-4).equals(headEnd)) this.broken = `an answer in pieces: ${data.toString('latin1', 0, 200)}`;
    if (this.#answered) {
      const answered = this.#answered;
      this.#answered = undefined;
      return answered(status);
    }
    if (status !== 204) this.broken = data.toString('latin1', 0, 500);
    if (this.counting) {
      this.done += 1;
      if (this.#took.length < 20_000) this.#took.push(performance.now() - this.#asked);
    }
    if (!this.over && this.broken === undefined) this.ask();
  }

  get took(): readonly number[] {
    return this.#took;
  }

  end(): void {
    this.over = true;
    this.#socket.destroy();
  }
}

const lanes: Lane[] = [];
for (let i = 0; i < streams; i++) {
  const path = `${prefix}-${i}`;
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const lane = new Lane(socket, path);
  const status = await lane.create(path);
  if (status !== 201 && status !== 200) throw new Error(`creating ${path} was answered ${status}`);
  lanes.push(lane);
}
for (const lane of lanes) lane.ask();
const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));
await pause(warmUpMs);
for (const lane of lanes) lane.counting = true;
process.stdout.write('begin\n');
const began = performance.now();
await pause(ms);
const seconds = (performance.now() - began) / 1000;
for (const lane of lanes) lane.counting = false;
const broken = lanes.find((lane) => lane.broken !== undefined)?.broken;
if (broken !== undefined) throw new Error(broken);
const done = lanes.reduce((sum, lane) => sum + lane.done, 0);
process.stdout.write(
  `${JSON.stringify({ perSecond: done / seconds, seconds, done, latencyMs: spread(lanes.flatMap((lane) => lane.took)) })}\n`,
);
for (const lane of lanes) lane.end();
