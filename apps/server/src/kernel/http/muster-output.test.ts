import { Writable } from 'node:stream';
import { beforeEach, expect, test } from 'vitest';
import { SocketOutput, WriteTurn } from './muster-output.ts';

const kiB = 1024;
/** A connection that takes bytes when the test says so. */
class Line extends Writable {
  readonly got: Buffer[] = [];
  writes = 0;
  #waiting: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 16 * kiB, decodeStrings: true });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this._writev([{ chunk }], done);
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: () => void): void {
    this.writes += 1;
    for (const { chunk } of chunks) this.got.push(chunk);
    this.#waiting = done;
  }

  take(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }
}

let line: Line;
let told: string[];
let output: SocketOutput;
beforeEach(() => {
  line = new Line();
  told = [];
  output = new SocketOutput(line as never, {
    turn: new WriteTurn(),
    windowBytes: 64 * kiB,
    waitingBytesMax: 256 * kiB,
    full: () => told.push('full'),
    drained: () => told.push('drained'),
  });
});
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const bytes = (size: number, fill: string): Buffer => Buffer.alloc(size, fill);

test('all of one turn leaves in one write, in order', async () => {
  for (const letter of 'abc') output.write([Buffer.from(letter), Buffer.from(letter)]);
  expect(output.waiting).toBe(6);
  await turn();
  expect([line.writes, Buffer.concat(line.got).toString()]).toEqual([1, 'aabbcc']);
  line.take();
  await turn();
  expect([output.waiting, output.left]).toEqual([0, 6]);
});

test('one shared buffer is handed on as it is', async () => {
  const shared = bytes(100 * kiB, 's');
  output.write([shared]);
  await turn();
  expect(line.got[0]?.buffer).toBe(shared.buffer);
});

test('the connection gets a window, the rest waits here; nothing is cut, lost or turned round', async () => {
  const sent: Buffer[] = [];
  for (let i = 0; i < 30; i++) {
    const pair = [bytes(10, 'h'), bytes(20 * kiB, String(i % 10))];
    sent.push(...pair);
    output.write(pair);
  }
  expect(told).toEqual(['full']);
  await turn();
  expect(line.writableLength).toBeLessThan(90 * kiB);
  let rounds = 0;
  while (output.waiting > 0) {
    line.take();
    await turn();
    expect(line.writableLength).toBeLessThan(90 * kiB);
    rounds += 1;
  }
  expect(rounds).toBeGreaterThan(5);
  expect(Buffer.concat(line.got).equals(Buffer.concat(sent))).toBe(true);
  expect(told.slice(0, 2)).toEqual(['full', 'drained']);
});

test('stuck is without progress: each part that leaves begins the time anew', async () => {
  expect(output.stuckMs(0)).toBe(0);
  for (let i = 0; i < 20; i++) output.write([bytes(20 * kiB, 'x')]);
  await turn();
  expect(output.stuckMs(1000)).toBe(0);
  expect(output.stuckMs(6000)).toBe(5000);
  // More to send is no progress.
  output.write([bytes(20 * kiB, 'y')]);
  expect(output.stuckMs(7000)).toBe(6000);
  line.take();
  await turn();
  expect(output.stuckMs(8000)).toBe(0);
  expect(output.stuckMs(9000)).toBe(1000);
});

test('the last act hands over everything, or drops what nobody reads', async () => {
  for (let i = 0; i < 10; i++) output.write([bytes(20 * kiB, 'x')]);
  output.finish('send');
  line.take();
  await turn();
  line.take();
  expect(Buffer.concat(line.got)).toHaveLength(200 * kiB);
  expect([output.write([Buffer.from('late')]), output.waiting]).toEqual([0, 0]);

  const other = new Line();
  const dropping = new SocketOutput(other as never, {
    turn: new WriteTurn(),
    windowBytes: 1,
    waitingBytesMax: 1,
    full: () => undefined,
    drained: () => undefined,
  });
  dropping.write([Buffer.from('never')]);
  dropping.finish('drop');
  await turn();
  expect(other.got).toEqual([]);
});
