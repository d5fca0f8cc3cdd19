import type { ClaimAnswer, HeartbeatAnswer, Job, Registered, ServerFrame, Worker } from '@muster/protocol';
import { WebSocket } from 'ws';
import type { Answered, BuildsServer } from './builds-server.ts';

export type Held = { buildId: string; term: number };

/** A worker as the outside sees one: plain calls with its token, an event stream, a socket. */
export class WorkerClient {
  readonly server: Pick<BuildsServer, 'call' | 'url'>;
  readonly token: string;
  readonly id: string;

  constructor(server: WorkerClient['server'], { token, worker }: Registered) {
    this.server = server;
    this.token = token;
    this.id = worker.id;
  }

  static async register(server: Pick<BuildsServer, 'call' | 'url'>, input: object = {}): Promise<WorkerClient> {
    const { status, body, text } = await server.call('POST', '/v1/workers', {
      body: { name: 'mac-1', platforms: ['linux'], ...input },
    });
    if (status !== 201) throw new Error(`register answered ${status}: ${text}`);
    return new WorkerClient(server, body as Registered);
  }

  me(method: string, path: string, body: object = {}): Promise<Answered> {
    return this.server.call(method, `/v1/workers/me${path}`, { body, token: this.token });
  }

  async claim(input: { held?: Held[]; free?: number } = {}, wait = '20s'): Promise<ClaimAnswer> {
    return good(await this.me('POST', `/claim?wait=${wait}`, input)) as ClaimAnswer;
  }

  /** Claims and fails the test when there is nothing. */
  async take(held: Held[] = []): Promise<Held & { job: Job }> {
    const { job } = await this.claim({ held: held.map(({ buildId, term }) => ({ buildId, term })) });
    if (!job) throw new Error('nothing to claim');
    return { buildId: job.build.id, term: job.build.term, job };
  }

  async heartbeat(leases: object[], wait = '0s'): Promise<HeartbeatAnswer> {
    return good(await this.me('POST', `/heartbeat?wait=${wait}`, { leases })) as HeartbeatAnswer;
  }

  about(
    { buildId, term }: Held,
    verb: 'start' | 'result' | 'fail' | 'abandon' | 'stopped',
    more: object = {},
  ): Promise<Answered> {
    return this.me('POST', `/builds/${buildId}/${verb}`, { term, ...more });
  }

  async connect(): Promise<WorkerSocketClient> {
    const socket = new WebSocket(`${this.server.url.replace('http', 'ws')}/v1/workers/connect`, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    const client = new WorkerSocketClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  async events(): Promise<EventsClient> {
    const aborter = new AbortController();
    const response = await fetch(`${this.server.url}/v1/workers/me/events`, {
      headers: { authorization: `Bearer ${this.token}` },
      signal: aborter.signal,
    });
    return new EventsClient(response, aborter);
  }
}

export const good = ({ status, body, text }: Answered): unknown => {
  if (status >= 300) throw new Error(`answered ${status}: ${text}`);
  return body;
};

export const seenBy = async (server: Pick<BuildsServer, 'call'>, worker: WorkerClient): Promise<Worker> =>
  good(await server.call('GET', `/v1/workers/${worker.id}`)) as Worker;

/** What came in and was not yet looked at; `next` waits for one that is wanted and forgets those before it. */
class Inbox<T> {
  #came: T[] = [];
  #waiting: (() => void)[] = [];

  push(value: T): void {
    this.#came.push(value);
    for (const told of this.#waiting.splice(0)) told();
  }

  async next<U extends T>(want: (value: T) => value is U): Promise<U> {
    for (;;) {
      const at = this.#came.findIndex(want);
      const found = this.#came[at];
      if (found !== undefined && want(found)) {
        this.#came = this.#came.slice(at + 1);
        return found;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

export class WorkerSocketClient {
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  readonly #inbox = new Inbox<ServerFrame>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => this.#inbox.push(JSON.parse(data.toString()) as ServerFrame));
    this.closed = new Promise((resolve) => void socket.once('close', resolve));
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  next<K extends ServerFrame['type']>(type: K): Promise<Extract<ServerFrame, { type: K }>> {
    return this.#inbox.next((frame): frame is Extract<ServerFrame, { type: K }> => frame.type === type);
  }

  close(): void {
    this.socket.close();
  }
}

type ServerEvent = { event: string; data: Record<string, any> }; // oxlint-disable-line typescript/no-explicit-any -- tests look into JSON of many shapes

export class EventsClient {
  readonly #inbox = new Inbox<ServerEvent>();
  readonly #aborter: AbortController;

  constructor(response: Response, aborter: AbortController) {
    this.#aborter = aborter;
    void this.#read(response).catch(() => undefined);
  }

  next(event: string): Promise<ServerEvent> {
    return this.#inbox.next((one): one is ServerEvent => one.event === event);
  }

  close(): void {
    this.#aborter.abort();
  }

  async #read(response: Response): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const frames = text.split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) {
        const fields = new Map(
          frame
            .split('\n')
            .map((line): [string, string] => [
              line.slice(0, line.indexOf(':')),
              line.slice(line.indexOf(':') + 1).trim(),
            ]),
        );
        const event = fields.get('event');
        if (event) this.#inbox.push({ event, data: JSON.parse(fields.get('data') ?? '{}') as ServerEvent['data'] });
      }
    }
  }
}
