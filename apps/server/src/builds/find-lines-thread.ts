import { parentPort, workerData } from 'node:worker_threads';

/* Looks through lines of a log in a thread of its own: an expression that takes for ever costs nobody else's time. */

export type Search = {
  pattern: string;
  flags: string;
  /** A plain text as it stands in a record, in small letters: a record without it need not be read. */
  written: string | null;
  level: string | null;
};
/** Whole records, one JSON object per line. `hitsMax`: how many places are told; all are counted. */
export type Block = { records: Uint8Array<ArrayBuffer>; hitsMax: number };
export type Found = { lines: number; hits: [line: number, from: number, to: number][] };

const port = parentPort;
if (!port) throw new Error('find-lines-thread runs as a worker thread only');
const { pattern, flags, written, level } = workerData as Search;
const expression = pattern === '' ? undefined : new RegExp(pattern, flags);
const levelMark = level === null ? undefined : `"level":"${level}"`;

port.on('message', ({ records, hitsMax }: Block) => {
  const found: Found = { lines: 0, hits: [] };
  const text = Buffer.from(records.buffer, records.byteOffset, records.byteLength).toString();
  for (const [line, record] of candidates(text)) {
    const read = JSON.parse(record) as { text: string; level: string };
    if (level !== null && read.level !== level) continue;
    const match = expression?.exec(read.text);
    if (expression && !match) continue;
    found.lines += 1;
    if (found.hits.length >= hitsMax) continue;
    found.hits.push([line, match?.index ?? -1, match ? match.index + match[0].length : -1]);
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is not a window
  port.postMessage(found);
});

/** Records worth reading, each with the number of its line in the block. What is left out cannot match. */
function* candidates(text: string): Generator<[line: number, record: string]> {
  const small = written === null ? text : text.toLowerCase();
  // Small letters may be longer than large ones; then places differ, and every record is read.
  const needle = small.length === text.length ? (written ?? levelMark) : undefined;
  let line = 0;
  let start = 0;
  let at = needle === undefined ? 0 : small.indexOf(needle);
  while (at !== -1 && start < text.length) {
    let end = text.indexOf('\n', start);
    while (end < at) {
      start = end + 1;
      line += 1;
      end = text.indexOf('\n', start);
    }
    yield [line, text.slice(start, end)];
    start = end + 1;
    line += 1;
    at = needle === undefined ? start : small.indexOf(needle, start);
  }
}
