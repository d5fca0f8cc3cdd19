import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import {
  abandonSchema,
  appendLogSchema,
  changeWorkerSchema,
  claimSchema,
  diagnosticsSchema,
  failSchema,
  heartbeatSchema,
  type Instruction,
  newUploadSchema,
  registerWorkerSchema,
  resultSchema,
  type ServerFrame,
  socketReplaced,
  startSchema,
  stoppedSchema,
  workerFrameSchema,
} from '@muster/protocol';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { type FakeBuild, FakeBuilds, type Submit } from './fake-builds.ts';
import { newId } from './new-id.ts';

class Refusal extends Error {
  readonly status: number;
  readonly problem: object;
  constructor(status: number, reason: string, extra: object = {}) {
    super(reason);
    this.status = status;
    const codes: Record<number, string> = {
      400: 'invalid',
      401: 'unauthenticated',
      403: 'forbidden',
      404: 'notFound',
      409: 'conflict',
      413: 'invalid',
      429: 'exhausted',
      503: 'unavailable',
    };
    this.problem = {
      type: 'about:blank',
      title: reason,
      status,
      detail: reason,
      code: codes[status] ?? 'internal',
      reason,
      ...extra,
    };
  }
}

type Call = {
  method: string;
  path: string;
  query: URLSearchParams;
  request: IncomingMessage;
  response: ServerResponse;
  body: Buffer;
};
/**
 * What a test does to a call on its way: `drop` before it is looked at, `lose` the answer after it was done, `half` cut
 * the answer's body in the middle, a number to answer with that status.
 */
export type Trouble = 'drop' | 'lose' | 'half' | number | undefined;

/**
 * A Muster server as far as a worker sees it, over real HTTP and WebSocket. Bodies are checked with the protocol's own
 * schemas, so a worker that says something wrong gets a 400 here as well.
 */
export class FakeServer {
  readonly rows = new FakeBuilds();
  readonly calls: string[] = [];
  /** Asked for every call; see `Trouble`. */
  trouble: (method: string, path: string) => Trouble = () => undefined;
  /** What an upgrade to a socket gets instead. */
  socketStatus: number | undefined;
  wss = new WebSocketServer({ noServer: true });
  socket: WebSocket | undefined;
  #ready: { free: number; held: { buildId: string; term: number }[] } | undefined;
  #http: Server | undefined;
  #port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #parked = new Set<() => void>();

  static async start(): Promise<FakeServer> {
    const server = new FakeServer();
    await server.back();
    onTestFinished(() => server.away());
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get token(): string {
    return this.rows.workerToken;
  }

  submit(submit: Submit): FakeBuild {
    const build = this.rows.submit(submit);
    this.#wake();
    return build;
  }

  cancel(build: FakeBuild): void {
    build.state = build.state === 'queued' ? 'cancelled' : 'cancelling';
    const { id, term } = build.job.build;
    this.#push({
      type: 'instruction',
      instruction: { kind: 'cancel', buildId: id, term, reason: 'user', graceMs: 30_000 },
    });
    this.#wake();
  }

  drain(drain: Extract<Instruction, { kind: 'drain' }> | undefined): void {
    this.rows.draining = drain;
    this.#push({ type: 'instruction', instruction: drain ?? { kind: 'resume' } });
    this.#wake();
  }

  count(method: string, path: RegExp): number {
    return this.calls.filter((call) => call.startsWith(`${method} `) && path.test(call)).length;
  }

  /** Gone: connections are cut, new ones refused. */
  async away(): Promise<void> {
    const http = this.#http;
    this.#http = undefined;
    const closed = new Promise<void>((resolve) => (http ? http.close(() => resolve()) : resolve()));
    this.socket?.terminate();
    this.socket = undefined;
    this.#ready = undefined;
    for (const socket of this.#sockets) socket.destroy();
    for (const wake of this.#parked) wake();
    await closed;
  }

  /** There again, at the same address. */
  async back(): Promise<void> {
    const http = createServer((request, response) => void this.#serve(request, response));
    http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    await new Promise<void>((resolve) => http.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (http.address() as AddressInfo).port;
    this.#http = http;
  }

  /** Cuts every open connection; the next one is welcome. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.calls.push('WS /v1/workers/connect');
    const status = this.socketStatus ?? (request.headers.authorization === `Bearer ${this.token}` ? undefined : 401);
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} Nope\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      return;
    }
    this.wss.handleUpgrade(request, socket, head, (line) => {
      this.socket?.close(socketReplaced, 'replaced');
      this.socket = line;
      line.on('error', () => undefined);
      line.on('close', () => {
        if (this.socket === line) this.socket = undefined;
      });
      line.on('message', (data: Buffer) => {
        const frame = workerFrameSchema.parse(JSON.parse(data.toString()));
        this.calls.push(`FRAME ${frame.type}`);
        if (frame.type !== 'ready' || this.socket !== line) return;
        this.#ready = { free: frame.free, held: frame.held };
        this.#offer();
        for (const instruction of this.rows.instructions(frame.held)) this.#push({ type: 'instruction', instruction });
      });
    });
  }

  #offer(): void {
    if (!this.socket || !this.#ready || this.#ready.free === 0 || this.rows.draining) return;
    const job = this.rows.claim(this.#ready.held);
    if (!job) return;
    this.#ready.free -= 1;
    this.#ready.held.push({ buildId: job.build.id, term: job.build.term });
    this.#push({ type: 'job', job });
  }

  #push(frame: ServerFrame): void {
    this.socket?.send(JSON.stringify(frame));
  }

  #wake(): void {
    this.#offer();
    for (const wake of this.#parked) wake();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://x');
    const method = request.method ?? '';
    this.calls.push(`${method} ${url.pathname}`);
    const trouble = this.trouble(method, url.pathname);
    if (trouble === 'drop') return void request.socket.destroy();
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (typeof trouble === 'number') throw new Refusal(trouble, 'trouble', { retryAfterMs: 10 });
      const call: Call = {
        method,
        path: url.pathname,
        query: url.searchParams,
        request,
        response,
        body: Buffer.concat(chunks),
      };
      const answer = await this.#answer(call, trouble === 'half');
      if (trouble === 'lose') return void request.socket.destroy();
      if (!response.headersSent)
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer ?? {}));
    } catch (error) {
      if (response.headersSent || response.destroyed) return;
      const refusal = error instanceof Refusal ? error : new Refusal(400, `bad request: ${String(error)}`);
      response.statusCode = refusal.status;
      response.setHeader('content-type', 'application/problem+json').end(JSON.stringify(refusal.problem));
    }
  }

  async #answer(call: Call, half: boolean): Promise<unknown> {
    const { method, path } = call;
    const json = (): unknown => (call.body.length === 0 ? {} : JSON.parse(call.body.toString()));
    if (path === '/health') return { status: 'ok' };
    if (method === 'POST' && path === '/v1/workers') {
      this.#allow(call, 'mst_key');
      return { worker: this.#worker(registerWorkerSchema.parse(json())), token: this.token };
    }
    const mine = /^\/v1\/workers\/me(?:\/(.*))?$/.exec(path);
    if (mine) return this.#asWorker(call, mine[1] ?? '', json());
    const upload = /^\/v1\/uploads(?:\/([^/]+))?(\/complete)?$/.exec(path);
    if (upload) return this.#upload(call, upload[1], upload[2] !== undefined, json);
    const build = /^\/v1\/builds\/([^/]+)\/([a-z]+)(?:\/([^/]+))?$/.exec(path);
    if (build) return this.#asAttempt(call, build[1] ?? '', build[2] ?? '', build[3], half, json);
    throw new Refusal(404, 'no_such_route');
  }

  async #asWorker(call: Call, what: string, body: unknown): Promise<unknown> {
    this.#allow(call, this.token);
    if (what === '') return this.#worker(call.method === 'PATCH' ? changeWorkerSchema.parse(body) : {});
    if (what === 'claim') return this.#claim(call, claimSchema.parse(body));
    if (what === 'heartbeat') return this.#heartbeat(call, heartbeatSchema.parse(body));
    if (what === 'unregister') {
      this.rows.unregistered += 1;
      for (const build of this.rows.builds.values())
        if (['assigned', 'running', 'cancelling'].includes(build.state)) this.rows.requeue(build);
      return { released: 0 };
    }
    if (what === 'diagnostics') {
      this.rows.diagnostics.push(diagnosticsSchema.parse(body));
      return {};
    }
    const verb = /^builds\/([^/]+)\/([a-z]+)$/.exec(what);
    const build = this.rows.builds.get(verb?.[1] ?? '');
    if (!verb || !build) throw new Refusal(404, 'no_such_build');
    return this.#verb(build, verb[2] ?? '', body);
  }

  #verb(build: FakeBuild, verb: string, body: unknown): unknown {
    const term = (body as { term?: number }).term;
    if (term !== build.job.build.term)
      throw new Refusal(409, 'stale_term', { term: build.job.build.term, state: build.state });
    const active = ['assigned', 'running', 'cancelling'].includes(build.state);
    if (verb === 'start') {
      startSchema.parse(body);
      if (!active) throw new Refusal(409, 'finished');
      if (build.state === 'assigned') build.state = 'running';
    } else if (verb === 'result') {
      const result = resultSchema.parse(body);
      if (build.state === 'cancelling') {
        build.state = 'cancelled';
        throw new Refusal(409, 'build_cancelled');
      }
      if (build.state === 'succeeded' && JSON.stringify(build.result) === JSON.stringify(result)) return {};
      if (!active) throw new Refusal(409, 'finished');
      if (build.job.build.expects === 'artifact' && result.artifacts.length === 0)
        throw new Refusal(400, 'artifact_missing');
      for (const id of result.artifacts)
        if (![...build.artifacts.values()].some((artifact) => artifact.id === id))
          throw new Refusal(400, 'no_such_artifact');
      build.state = 'succeeded';
      build.result = result;
    } else if (verb === 'fail') {
      const { failure } = failSchema.parse(body);
      if (build.state === 'failed') return {};
      if (!active) throw new Refusal(409, 'finished');
      build.state = build.state === 'cancelling' ? 'cancelled' : 'failed';
      build.failure = failure;
    } else if (verb === 'abandon') {
      const { reason } = abandonSchema.parse(body);
      if (!active) throw new Refusal(409, 'finished');
      build.abandoned.push(reason);
      this.rows.requeue(build);
    } else if (verb === 'stopped') {
      stoppedSchema.parse(body);
      if (build.state !== 'cancelling' && build.state !== 'cancelled') throw new Refusal(409, 'not_cancelling');
      build.state = 'cancelled';
    } else throw new Refusal(404, 'no_such_verb');
    return {};
  }

  async #claim(
    call: Call,
    { held, free }: { held: { buildId: string; term: number }[]; free: number },
  ): Promise<unknown> {
    const end = performance.now() + waitMsOf(call);
    for (;;) {
      if (this.rows.draining) return { job: null, nextPollMs: 200, instructions: [this.rows.draining] };
      const job = free > 0 ? this.rows.claim(held) : undefined;
      if (job) return { job };
      if (!(await this.#park(call, end))) return { job: null, nextPollMs: 0 };
    }
  }

  async #heartbeat(call: Call, { leases }: { leases: FakeBuild['notes'] }): Promise<unknown> {
    const end = performance.now() + waitMsOf(call);
    const answers = leases.map((lease) => {
      const lost = this.rows.lostReason(lease.buildId, lease.term);
      if (lost !== undefined) return { buildId: lease.buildId, term: lease.term, lost };
      this.rows.builds.get(lease.buildId)?.notes.push(lease);
      return { buildId: lease.buildId, term: lease.term, until: new Date().toISOString() };
    });
    for (;;) {
      const instructions = this.rows.instructions(leases);
      const lost = answers.some((answer) => 'lost' in answer);
      if (instructions.length > 0 || lost || !(await this.#park(call, end)))
        return { leases: answers, instructions, heartbeatEveryMs: this.rows.heartbeatEveryMs };
    }
  }

  /** Waits for something to happen; false when the time is over or the caller is gone. */
  async #park(call: Call, end: number): Promise<boolean> {
    const left = end - performance.now();
    if (left <= 0 || call.response.destroyed) return false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, left);
      const parked = this.#parked;
      parked.add(done);
      call.response.on('close', done);
      function done(): void {
        clearTimeout(timer);
        parked.delete(done);
        resolve();
      }
    });
    return !call.response.destroyed;
  }

  async #upload(call: Call, id: string | undefined, complete: boolean, json: () => unknown): Promise<unknown> {
    if (id === undefined) {
      const { sizeBytes, sha256, purpose } = newUploadSchema.parse(json());
      const upload = { id: newId('upl'), size: sizeBytes, data: Buffer.alloc(0), state: 'open' as const };
      this.rows.uploads.set(upload.id, upload);
      return {
        id: upload.id,
        purpose,
        state: 'open',
        offset: 0,
        sizeBytes,
        chunkBytesMax: 1_000_000,
        expiresAt: new Date().toISOString(),
        sha256: sha256 ?? null,
      };
    }
    const upload = this.rows.uploads.get(id);
    if (!upload) throw new Refusal(404, 'no_such_upload');
    call.response.setHeader('upload-offset', upload.data.length);
    if (call.method === 'HEAD') return void call.response.end();
    if (complete) {
      const { sha256 } = json() as { sha256?: string };
      const found = createHash('sha256').update(upload.data).digest('hex');
      if (sha256 !== found || upload.data.length !== upload.size) {
        this.rows.uploads.delete(id);
        throw new Refusal(400, 'digest_mismatch');
      }
      upload.state = 'complete';
      return { sha256: found, sizeBytes: upload.size };
    }
    const offset = Number(call.request.headers['upload-offset']);
    if (offset !== upload.data.length) throw new Refusal(409, 'offset_mismatch', { offset: upload.data.length });
    upload.data = Buffer.concat([upload.data, call.body]);
    call.response.setHeader('upload-offset', upload.data.length);
    call.response.statusCode = 204;
    return undefined;
  }

  async #asAttempt(
    call: Call,
    id: string,
    what: string,
    name: string | undefined,
    half: boolean,
    json: () => unknown,
  ): Promise<unknown> {
    const build = this.rows.builds.get(id);
    if (!build) throw new Refusal(404, 'no_such_build');
    this.#allow(call, build.job.token);
    if (what === 'source') return this.#source(call, build.source, build.job.source.sha256, half);
    if (what === 'certs') return build.certs;
    if (what === 'log') return this.#log(build, appendLogSchema.parse(json()));
    if (what === 'artifacts' && call.method === 'PUT') return store(build, decodeURIComponent(name ?? ''), call.body);
    if (what === 'artifacts') {
      const { uploadId, name, term } = json() as { uploadId: string; name: string; term: number };
      const upload = this.rows.uploads.get(uploadId);
      if (term !== build.job.build.term || upload?.state !== 'complete')
        throw new Refusal(409, upload ? 'stale_term' : 'upload_used');
      return store(build, name, upload.data);
    }
    throw new Refusal(404, 'no_such_route');
  }

  #log(build: FakeBuild, { term, offset, lines }: ReturnType<typeof appendLogSchema.parse>): unknown {
    if (term !== build.job.build.term) throw new Refusal(409, 'stale_term');
    if (offset > build.log.length) throw new Refusal(409, 'log_gap', { expectedOffset: build.log.length });
    if (build.log.length >= this.rows.logLinesMax) throw new Refusal(429, 'log_full');
    build.log.push(...lines.slice(build.log.length - offset));
    return { offset: build.log.length };
  }

  #source(call: Call, source: Buffer, sha256: string, half: boolean): void {
    const { response } = call;
    const etag = `"sha256-${sha256}"`;
    const range = /^bytes=(\d+)-$/.exec(call.request.headers.range ?? '');
    const from = range && call.request.headers['if-range'] === etag ? Number(range[1]) : 0;
    response.statusCode = from > 0 ? 206 : 200;
    if (from > 0) response.setHeader('content-range', `bytes ${from}-${source.length - 1}/${source.length}`);
    response.setHeader('etag', etag).setHeader('content-length', source.length - from);
    if (!half) return void response.end(source.subarray(from));
    response.write(source.subarray(from, from + Math.ceil((source.length - from) / 2)), () =>
      call.request.socket.destroy(),
    );
  }

  #allow(call: Call, token: string): void {
    if (call.request.headers.authorization !== `Bearer ${token}`) throw new Refusal(401, 'unknown_credential');
  }

  #worker(change: { labels?: Record<string, string> | undefined; seats?: number | undefined; name?: string }): object {
    const now = new Date().toISOString();
    return {
      id: 'wrk_fake',
      alias: null,
      kind: 'v1',
      name: change.name ?? 'fake',
      platforms: ['linux'],
      labels: change.labels ?? {},
      seats: change.seats ?? 1,
      seatsFree: 1,
      state: 'online',
      admission: 'open',
      drainReason: null,
      lastSeenAt: now,
      registeredAt: now,
      version: '',
      host: null,
      held: [],
      counters: { succeeded: 0, failed: 0, lost: 0 },
      diagnostics: null,
    };
  }
}

function store(build: FakeBuild, name: string, data: Buffer): object {
  if (!/^(?!\.)[A-Za-z0-9._-]{1,120}$/.test(name)) throw new Refusal(400, 'bad_name');
  const before = build.artifacts.get(name);
  if (before && !before.data.equals(data)) throw new Refusal(409, 'artifact_exists');
  const artifact = before ?? { id: newId('art'), name, data };
  build.artifacts.set(name, artifact);
  const sha256 = createHash('sha256').update(data).digest('hex');
  return {
    id: artifact.id,
    name,
    term: build.job.build.term,
    sizeBytes: data.length,
    sha256,
    contentType: 'application/octet-stream',
    primary: false,
    createdAt: new Date().toISOString(),
    available: true,
  };
}

function waitMsOf(call: Call): number {
  const match = /^(\d+)(ms|s)$/.exec(call.query.get('wait') ?? '');
  return match ? Number(match[1]) * (match[2] === 's' ? 1_000 : 1) : 0;
}
