import {
  buildLimits,
  type Instruction,
  type ServerFrame,
  socketReplaced,
  type WorkerFrame,
  workerFrameSchema,
} from '@muster/protocol';
import type { WebSocket } from 'ws';
import type { Routes } from '#kernel/http';
import { arriveWorker } from './arrive-worker.ts';
import { dispatchLimits } from './dispatch-limits.ts';
import { extendLeases } from './extend-lease.ts';
import type { Holder } from './holder.ts';
import type { Room } from './room.ts';
import { showLease } from './worker-calls.ts';
import { streamJobs } from './worker-stream.ts';

const policyViolated = 1008;
const notUnderstood = 1007;
const pingEveryMs = 20_000;

/** `WS /v1/workers/connect`: the same messages as the calls, pushed. Rows decide, so it may be mixed with them. */
export function workerSocket(room: Room): (http: Routes) => void {
  return (http) => {
    http.socket({
      path: '/v1/workers/connect',
      auth: 'worker',
      summary: 'A worker’s connection: jobs and instructions out, `ready` and `heartbeat` in',
      frameBytesMax: buildLimits.socketFrameBytesMax,
      connect: (socket, call) => new WorkerSocket(room, socket, call.who).open(),
    });
  };
}

/**
 * One connection of one worker.
 *  open   – frames are answered in their order; instructions are pushed; after `ready` it is parked for that many builds.
 *  closed – parked no more, its link is gone. Leases are not touched: the worker may come back. Reached once, never left.
 * A second connection of the same worker, on any node, closes the first with 4009.
 */
class WorkerSocket {
  readonly #room: Room;
  readonly #socket: WebSocket;
  readonly #who: Holder;
  /** Ends the park of the last `ready`. */
  #parked: AbortController | undefined;
  #holds: readonly { buildId: string; term: number }[] = [];
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(room: Room, socket: WebSocket, who: Holder) {
    this.#room = room;
    this.#socket = socket;
    this.#who = who;
  }

  open(): void {
    const { live } = this.#room;
    const { workerId } = this.#who;
    const place = live.connections.take(workerId, () =>
      this.#socket.close(socketReplaced, 'another connection of this worker took over'),
    );
    const link = live.presence.attach(workerId, {
      kind: 'socket',
      tell: (news) => this.#tell(news),
      holds: () => this.#holds,
    });
    const pinging = this.#ping();
    this.#socket.on('message', (data, binary) => this.#take(data, binary));
    this.#socket.on('close', () => {
      this.#parked?.abort();
      pinging[Symbol.dispose]();
      link[Symbol.dispose]();
      place[Symbol.dispose]();
    });
    this.#inOrder(async () => {
      await arriveWorker(this.#room, this.#who);
      live.presence.tell(workerId);
    });
  }

  #take(data: unknown, binary: boolean): void {
    const frame = binary || !Buffer.isBuffer(data) ? undefined : parse(data);
    if (!frame) return this.#socket.close(notUnderstood, 'not a frame of this protocol');
    if (this.#waiting >= dispatchLimits.socketFramesWaitingMax)
      return this.#socket.close(policyViolated, 'too many frames wait');
    switch (frame.type) {
      case 'ready':
        return this.#inOrder(() => this.#ready(frame));
      case 'heartbeat':
        return this.#inOrder(() => this.#heartbeat(frame));
      case 'pong':
        return this.#inOrder(async () => void (await arriveWorker(this.#room, this.#who)));
    }
  }

  #inOrder(act: () => Promise<void>): void {
    this.#waiting += 1;
    this.#last = this.#last
      .then(act)
      .catch((error: unknown) => {
        this.#room.telemetry.logger.warn(
          { error, workerId: this.#who.workerId },
          'a frame of a worker could not be answered',
        );
        // The worker comes back and says again what it holds; leases are as they were.
        this.#socket.close(1011, 'could not be answered');
      })
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  async #ready({ free, held }: Extract<WorkerFrame, { type: 'ready' }>): Promise<void> {
    this.#parked?.abort();
    this.#holds = held;
    const parked = new AbortController();
    this.#parked = parked;
    await arriveWorker(this.#room, this.#who);
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    void streamJobs(this.#room, {
      workerId: this.#who.workerId,
      // Without a free seat it still says what it holds: a lost answer is given again all the same.
      free,
      held,
      signal: parked.signal,
      give: (job) => this.#send({ type: 'job', job }),
    });
  }

  async #heartbeat({ leases, ref }: Extract<WorkerFrame, { type: 'heartbeat' }>): Promise<void> {
    this.#holds = leases;
    const answers = await extendLeases(this.#room, this.#who, leases);
    await arriveWorker(this.#room, this.#who);
    this.#send({
      type: 'leases',
      ...(ref === undefined ? {} : { ref }),
      leases: answers.map(showLease),
      heartbeatEveryMs: this.#room.config.heartbeatEveryMs,
    });
    this.#room.live.presence.tell(this.#who.workerId);
  }

  #tell(news: readonly Instruction[]): boolean {
    return news.every((instruction) => this.#send({ type: 'instruction', instruction }));
  }

  /** A hint beside the protocol's own ping: it also reaches workers behind proxies that answer pings themselves. */
  #ping(): Disposable {
    let timer: Disposable;
    const again = (): void => {
      this.#send({ type: 'ping' });
      timer = this.#room.clock.after(pingEveryMs, again);
    };
    timer = this.#room.clock.after(pingEveryMs, again);
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
  }

  #send(frame: ServerFrame): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }
}

function parse(data: Buffer): WorkerFrame | undefined {
  try {
    const parsed = workerFrameSchema.safeParse(JSON.parse(data.toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
