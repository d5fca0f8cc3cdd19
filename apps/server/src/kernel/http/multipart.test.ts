import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { release } from '#kernel/blobs';
import { edgeLimits } from './limits.ts';
import { readMultipart } from './multipart.ts';

type Told = { name: string; kind: 'field' | 'file'; bytes: number; sha256: string };
const sha256 = (...chunks: Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
};

/** Reads as a store does: a chunk is looked at while the next one is asked for, and its memory is given back after that. */
async function read(request: IncomingMessage, response: ServerResponse): Promise<Told[]> {
  const told: Told[] = [];
  const source = { request, response, unasked: { continue: false } };
  const limits = {
    bytesMax: 2 ** 26,
    fileBytesMax: () => 2 ** 26,
    partsMax: 50,
    fieldBytesMax: 2 ** 20,
    repeated: 'allow',
  } as const;
  for await (const part of readMultipart(source, limits, { clock: systemClock, limits: edgeLimits })) {
    if (part.kind === 'field') {
      const bytes = Buffer.from(part.value);
      told.push({ name: part.name, kind: 'field', bytes: bytes.length, sha256: sha256(bytes) });
      continue;
    }
    const hash = createHash('sha256');
    let bytes = 0;
    let last: Uint8Array | undefined;
    const take = (chunk: Uint8Array | undefined): void => {
      if (!chunk) return;
      hash.update(chunk);
      bytes += chunk.length;
      release(chunk);
    };
    for await (const chunk of part.stream) {
      take(last);
      last = chunk;
    }
    take(last);
    told.push({ name: part.name, kind: 'file', bytes, sha256: hash.digest('hex') });
  }
  return told;
}

const boundary = 'a-long-boundary';
const trap = `\r\n--${boundary.slice(0, 6)}`;

const server = createServer((request, response) => {
  read(request, response).then(
    (told) => {
      const text = JSON.stringify(told);
      response.writeHead(200, { 'content-length': Buffer.byteLength(text) }).end(text);
    },
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** Sends a body in pieces of these lengths, over and over. */
async function send(body: Buffer, pieces: readonly number[]): Promise<Told[]> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true);
  socket.write(
    `POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  for (let at = 0, n = 0; at < body.length; n++) {
    const piece = body.subarray(at, at + (pieces[n % pieces.length] ?? 1));
    at += piece.length;
    if (!socket.write(piece)) await once(socket, 'drain');
  }
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const at = text.indexOf('\r\n\r\n');
  if (!text.startsWith('HTTP/1.1 200')) throw new Error(text);
  return JSON.parse(text.slice(at)) as Told[];
}

test('files of many chunks, fields between them, boundaries anywhere: every byte arrives, none is another one', async () => {
  const part = fc.record({
    kind: fc.constantFrom('field' as const, 'file' as const),
    // Bytes that begin like a boundary are where a parser holds some back.
    bytes: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 60_000, max: 400_000 })),
    traps: fc.boolean(),
  });
  const arbitrary = fc.record({
    parts: fc.array(part, { minLength: 1, maxLength: 6 }),
    pieces: fc.array(fc.oneof(fc.integer({ min: 700, max: 3_000 }), fc.constant(65_536), fc.constant(200_000)), {
      minLength: 1,
      maxLength: 5,
    }),
  });
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ parts, pieces }) => {
      const body: Buffer[] = [];
      const expected: Told[] = [];
      for (const [n, { kind, bytes, traps }] of parts.entries()) {
        const content = kind === 'field' ? Buffer.from('é'.repeat(Math.min(bytes, 9_000))) : randomBytes(bytes);
        if (traps && kind === 'file')
          for (let at = 10; at + trap.length < content.length; at += 5_000) content.write(trap, at);
        const file = kind === 'file' ? '; filename="f"' : '';
        body.push(
          Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="p${n}"${file}\r\n\r\n`),
          content,
          Buffer.from('\r\n'),
        );
        expected.push({ name: `p${n}`, kind, bytes: content.length, sha256: sha256(content) });
      }
      expect(await send(Buffer.concat([...body, Buffer.from(`--${boundary}--\r\n`)]), pieces)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});
