import { createHash, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Connection } from '@muster/client';
import { type ClaimAnswer, type Job, MusterError, type Registered } from '@muster/protocol';

/** What was acknowledged, and what must therefore be true for ever. */
export class Ledger {
  /** Build ids in the order in which their submits were acknowledged. */
  readonly submitted: string[] = [];
  /** `build/term` → the worker that was given it. */
  readonly given = new Map<string, string>();
  /** `build/term` → lines whose append was acknowledged. */
  readonly logged = new Map<string, number>();
  readonly succeeded = new Set<string>();
  readonly cancelAsked = new Set<string>();
  readonly artifacts = new Map<string, { name: string; sha256: string }>();
  /** What should never happen, in words. */
  readonly wrongs: string[] = [];
}

export const lineOf = (buildId: string, term: number, n: number): string => `line ${n} of ${buildId} term ${term}`;

/** A source archive that is an archive: an empty gzip member under 100 bytes, told apart by its comment. */
const source = gzipSync(Buffer.alloc(1024));

/** Between two tries of one client: a server that starts needs the processor more. */
const patienceMs = 60;

/** Calls that repeat until the server answers: what a good client does while it is away. */
class Patient {
  readonly #connection: Connection;
  readonly #stop: AbortSignal;

  constructor(url: string, credential: string, stop: AbortSignal) {
    this.#connection = new Connection({ url, credential });
    this.#stop = stop;
  }

  async call<T>(method: string, path: string, json?: unknown, headers?: Record<string, string>): Promise<T> {
    for (;;) {
      this.#stop.throwIfAborted();
      try {
        return await this.#connection.call<T>(method, path, {
          json,
          signal: AbortSignal.any([this.#stop, AbortSignal.timeout(20_000)]),
          ...(headers ? { headers } : {}),
        });
      } catch (error) {
        this.#stop.throwIfAborted();
        if (error instanceof MusterError && error.code !== 'unavailable' && error.code !== 'exhausted') throw error;
        await pause(patienceMs);
      }
    }
  }

  async put(path: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<void> {
    for (;;) {
      this.#stop.throwIfAborted();
      try {
        const answer = await this.#connection.send('PUT', path, { body, headers, signal: this.#stop });
        await answer.body?.cancel();
        return;
      } catch (error) {
        this.#stop.throwIfAborted();
        if (error instanceof MusterError && error.code !== 'unavailable' && error.code !== 'exhausted') throw error;
        await pause(patienceMs);
      }
    }
  }
}

/** Submits one build after the other, each under its own key, and now and then cancels one. */
export async function submitter(url: string, key: string, ledger: Ledger, stop: AbortSignal): Promise<void> {
  const server = new Patient(url, key, stop);
  const upload = async (): Promise<string> => {
    const opened = await server.call<{ id: string }>('POST', '/v1/uploads', {
      purpose: 'source',
      sizeBytes: source.length,
    });
    await sendChunk(url, key, opened.id, stop);
    await server.call('POST', `/v1/uploads/${opened.id}/complete`, {});
    return opened.id;
  };
  await endsWith(stop, async () => {
    for (let n = 0; ; n++) {
      const idempotencyKey = randomUUID();
      const uploadId = await upload();
      const build = await server.call<{ id: string }>(
        'POST',
        '/v1/builds',
        { name: `build ${n}`, source: { uploadId }, expects: 'nothing', attemptsMax: 10 },
        { 'idempotency-key': idempotencyKey },
      );
      if (ledger.submitted.includes(build.id)) ledger.wrongs.push(`${build.id} was given to two submits`);
      ledger.submitted.push(build.id);
      if (n % 7 === 6) {
        const id = ledger.submitted.at(-3);
        if (!id || ledger.succeeded.has(id)) continue;
        try {
          await server.call('POST', `/v1/builds/${id}/cancel`, {});
          ledger.cancelAsked.add(id);
        } catch (error) {
          if (!(error instanceof MusterError) || error.reason !== 'finished') throw error;
        }
      }
    }
  });
}

/** Sends the bytes of an upload; after a cut asks how far the server got. */
async function sendChunk(url: string, key: string, id: string, stop: AbortSignal): Promise<void> {
  const connection = new Connection({ url, credential: key });
  for (;;) {
    stop.throwIfAborted();
    try {
      const head = await connection.send('HEAD', `/v1/uploads/${id}`, { signal: stop });
      const offset = Number(head.headers.get('upload-offset'));
      if (offset >= source.length) return;
      const answer = await connection.send('PATCH', `/v1/uploads/${id}`, {
        body: new Uint8Array(source.subarray(offset)),
        headers: { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
        signal: stop,
      });
      await answer.body?.cancel();
    } catch (error) {
      stop.throwIfAborted();
      const passing = error instanceof MusterError && ['unavailable', 'exhausted', 'conflict'].includes(error.code);
      if (!passing) throw error;
      await pause(patienceMs);
    }
  }
}

/** A worker of one seat that keeps what it holds over lives of the server, as a real one does. */
export async function worker(url: string, registered: Registered, ledger: Ledger, stop: AbortSignal): Promise<void> {
  const server = new Patient(url, registered.token, stop);
  await endsWith(stop, async () => {
    for (;;) {
      const answer = await server.call<ClaimAnswer>('POST', '/v1/workers/me/claim?wait=2s', { held: [], free: 1 });
      if (answer.job) await runJob(server, registered.worker.id, answer.job, ledger);
    }
  });
}

async function runJob(server: Patient, workerId: string, job: Job, ledger: Ledger): Promise<void> {
  const { id, term } = job.build;
  const run = `${id}/${term}`;
  const holder = ledger.given.get(run);
  if (holder !== undefined && holder !== workerId)
    ledger.wrongs.push(`${run} was given to ${holder} and to ${workerId}`);
  ledger.given.set(run, workerId);
  const at = `/v1/workers/me/builds/${id}`;
  try {
    await server.call('POST', `${at}/start`, { term });
    const from = ledger.logged.get(run) ?? 0;
    for (let n = from; n < from + 6; n += 3) {
      const lines = [0, 1, 2].map((i) => ({ text: lineOf(id, term, n + i), source: 'stdout' }));
      const { offset } = await server.call<{ offset: number }>('POST', `/v1/builds/${id}/log`, {
        term,
        offset: n,
        lines,
      });
      if (offset < n + 3) ledger.wrongs.push(`${run}: ${n + 3} lines were sent, ${offset} accepted`);
      ledger.logged.set(run, offset);
    }
    const bytes = new TextEncoder().encode(`made by ${run}`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await server.put(`/v1/builds/${id}/artifacts/out.txt?term=${term}`, bytes, { 'content-type': 'text/plain' });
    ledger.artifacts.set(id, { name: 'out.txt', sha256 });
    await server.call('POST', `${at}/result`, { term, artifacts: [], exitCode: 0 });
    ledger.succeeded.add(id);
  } catch (error) {
    // Cancelled, or lost to another worker: the server says so by a conflict, and the worker lets go.
    if (!(error instanceof MusterError) || error.code !== 'conflict') throw error;
    if (error.reason === 'build_cancelled') return;
    await server.call('POST', `${at}/stopped`, { term }).catch(() => undefined);
  }
}

async function endsWith(stop: AbortSignal, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
