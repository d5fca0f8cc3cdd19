import { describe, expect, it, vi } from 'vitest';
import { Chunks, chunkLines, chunksMax } from './chunks.ts';
import type { LogLine, LogSource } from './source.ts';

function sourceOf(missing: (n: number) => boolean = () => false) {
  const reads: [number, number][] = [];
  let fails = 0;
  const source: LogSource = {
    snapshot: () => ({ version: 0, total: 0, ended: false, follows: true, gaps: [] }),
    subscribe: () => () => undefined,
    read: (from, count) => {
      reads.push([from, count]);
      if (fails > 0) {
        fails -= 1;
        return Promise.reject(new Error('not now'));
      }
      const lines: LogLine[] = [];
      for (let n = from; n < from + count; n += 1) if (!missing(n)) lines.push({ n, text: `line ${n}` });
      return Promise.resolve(lines);
    },
  };
  return { source, reads, failNext: (times: number) => void (fails = times) };
}

const settled = (chunks: Chunks, n: number) => vi.waitFor(() => expect(chunks.knows(n)).toBe(true), { interval: 1 });

describe('chunks of a log', () => {
  it('are read once, by 2,000 lines', async () => {
    const { source, reads } = sourceOf();
    const chunks = new Chunks(source, () => undefined);
    chunks.want(1_990, 2_010, 10_000);
    chunks.want(1_990, 2_010, 10_000);
    await settled(chunks, 2_005);
    chunks.want(0, 4_000, 10_000);
    expect(reads).toEqual([
      [0, chunkLines],
      [chunkLines, chunkLines],
    ]);
    expect(chunks.line(2_005)?.text).toBe('line 2005');
  });

  it('are read on where the log grew', async () => {
    const { source, reads } = sourceOf();
    const chunks = new Chunks(source, () => undefined);
    chunks.want(0, 100, 100);
    await settled(chunks, 99);
    expect(chunks.knows(100)).toBe(false);
    chunks.want(80, 130, 130);
    await settled(chunks, 129);
    expect(reads).toEqual([
      [0, 100],
      [100, 30],
    ]);
    expect(chunks.line(50)?.text).toBe('line 50');
  });

  it('know that a line is missing', async () => {
    const { source } = sourceOf((n) => n === 7);
    const chunks = new Chunks(source, () => undefined);
    chunks.want(0, 20, 20);
    await settled(chunks, 7);
    expect(chunks.line(7)).toBeUndefined();
  });

  it('are at most 40: those least looked at go', async () => {
    const { source } = sourceOf();
    const chunks = new Chunks(source, () => undefined);
    const total = 200 * chunkLines;
    for (let at = 0; at < 60; at += 1) {
      chunks.want(at * chunkLines, at * chunkLines + 10, total);
      await settled(chunks, at * chunkLines);
      chunks.want(0, 1, total);
    }
    expect(chunks.size).toBe(chunksMax);
    expect(chunks.line(0)?.text).toBe('line 0');
    expect(chunks.line(5 * chunkLines)).toBeUndefined();
    expect(chunks.line(59 * chunkLines)).toBeDefined();
  });

  it('keep a failed read as a problem until it is asked for again', async () => {
    const { source, reads, failNext } = sourceOf();
    const chunks = new Chunks(source, () => undefined);
    failNext(1);
    chunks.want(0, 10, 10);
    await vi.waitFor(() => expect(chunks.problemAt(3)).toBeInstanceOf(Error));
    chunks.want(0, 10, 10);
    expect(reads).toHaveLength(1);
    chunks.retry();
    chunks.want(0, 10, 10);
    await settled(chunks, 5);
  });
});
