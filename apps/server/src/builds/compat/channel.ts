import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import { asError, type Clock } from '#kernel/base';
import type { RequestHead, Routes } from '#kernel/http';
import { appendLegacyLines } from '../append-log.ts';
import type { Room } from '../room.ts';
import { type ByWorker, findOldWorker, keyOf, queryOf, requireHeld, requireLegacyBuild } from './auth.ts';
import { cleanText, textOf } from './body.ts';
import { type Frame, readFrame, replyTo, writeFrame } from './channel-frames.ts';
import { refuse, texts } from './legacy-error.ts';
import { findHeld } from './queries.ts';
import { signOfLife } from './signs.ts';
import { beat, pollForJob } from './worker-routes.ts';

const frameBytesMax = 64 * 1024;
const lookEveryMs = 1_000;
/** Calls of one socket that may be under way at once; a client that floods it is cut. */
const openCallsMax = 32;

/** The channel of the replaced controller, `worker:<id>`: the same operations as the paths, over one socket. */
export function channelRoutes(room: Room, routes: Routes): void {
  const watchers = new Watchers(room);
  routes.socket({
    path: '/worker/socket/websocket',
    auth: (head) => caller(room, head),
    summary: 'Channel of old workers',
    frameBytesMax,
    hidden: true,
    connect: (socket, call) => {
      room.metrics.legacyRequests.add({ route: 'WS /worker/socket/websocket', generation: 'old' });
      const channel = new Channel(room, socket, call, watchers);
      socket.on('message', (data, binary) => channel.heard(data as Buffer, binary));
      socket.on('close', () => channel[Symbol.dispose]());
    },
  });
}

/** K and I, in the query. Whatever is wrong with them, the upgrade is refused with 403. */
async function caller(room: Room, head: RequestHead): Promise<ByWorker> {
  const key = queryOf(head, 'api_key');
  const name = queryOf(head, 'worker_id');
  if (key === undefined || name === undefined) throw refuse(403, texts.wrongKey);
  const { projectId } = await keyOf(room, key, head.address, 'builds:operate');
  const worker = await findOldWorker(room, projectId, name);
  if (!worker) throw refuse(403, texts.wrongKey);
  return { kind: 'worker', worker, projectId };
}

/**
 * One socket.
 *  open   – answers heartbeats of the protocol; `phx_join` of its own topic joins.
 *  joined – calls are answered, hints are pushed, at most once a second.
 *  closed – for good.
 */
class Channel implements Disposable {
  readonly #room: Room;
  readonly #socket: WebSocket;
  readonly #call: RequestHead & { readonly who: ByWorker };
  readonly #watchers: Watchers;
  readonly #topics: readonly string[];
  #joined: { form: Frame['form']; joinRef: string | null; topic: string } | undefined;
  #told: { pending: number; held: string | undefined } = { pending: 0, held: undefined };
  #open = 0;

  constructor(room: Room, socket: WebSocket, call: RequestHead & { readonly who: ByWorker }, watchers: Watchers) {
    this.#room = room;
    this.#socket = socket;
    this.#call = call;
    this.#watchers = watchers;
    const { worker } = call.who;
    this.#topics = [worker.id, worker.alias ?? worker.id].map((id) => `worker:${id}`);
  }

  heard(data: Buffer, binary: boolean): void {
    const frame = binary ? undefined : readFrame(data.toString());
    if (!frame) return this.#socket.close(1007, 'not a frame');
    if (++this.#open > openCallsMax) return this.#socket.close(1008, 'too many calls at once');
    this.#answer(frame)
      .then(
        (response) => this.#send(replyTo(frame, 'ok', response)),
        (error: unknown) => this.#send(replyTo(frame, 'error', { reason: asError(error).message })),
      )
      .finally(() => {
        this.#open--;
      });
  }

  async #answer(frame: Frame): Promise<unknown> {
    if (frame.topic === 'phoenix' && frame.event === 'heartbeat') return {};
    if (!this.#topics.includes(frame.topic)) throw refuse(403, 'unauthorized');
    if (frame.event === 'phx_join') return this.#join(frame);
    if (!this.#joined) throw refuse(403, 'join first');
    if (frame.event === 'phx_leave') {
      this.#watchers.remove(this);
      this.#joined = undefined;
      return {};
    }
    if (frame.event === 'request_job') return { job: await this.#requestJob() };
    const buildId = textOf(frame.payload, 'build_id');
    if (frame.event !== 'heartbeat' && frame.event !== 'report_progress') throw refuse(400, 'unknown event');
    if (buildId === undefined) throw refuse(400, 'build_id required');
    const row = await requireLegacyBuild(this.#room, this.#call.who.projectId, buildId);
    const held = requireHeld(row, this.#call.who);
    if (frame.event === 'heartbeat') await beat(this.#room, held, undefined);
    else {
      await signOfLife(this.#room, held, 'heartbeat');
      const text = cleanText(textOf(frame.payload, 'message') ?? '');
      if (text !== '') await appendLegacyLines(this.#room, row, held.term, [{ level: 'info', source: 'worker', text }]);
    }
    return { success: true };
  }

  async #join({ form, joinRef, ref, topic }: Frame): Promise<unknown> {
    this.#joined = { form, joinRef: joinRef ?? ref, topic };
    const { pending } = this.#room.counts.read();
    this.#told = { pending, held: (await findHeld(this.#room.db, this.#call.who.worker.id))?.id };
    this.#watchers.add(this);
    return { message: 'Connected', stats: { pending, timestamp: new Date(this.#room.clock.now()).toISOString() } };
  }

  async #requestJob(): Promise<unknown> {
    // A socket does not know whether its frame arrived: what is lost is offered again at the next call, or its lease ends.
    const gone = new AbortController();
    const onClose = (): void => gone.abort('gone');
    this.#socket.once('close', onClose);
    try {
      const quiet = {
        ...this.#call,
        query: {},
        signal: gone.signal,
        afterAnswer: () => undefined,
        requestId: randomUUID(),
      };
      return await pollForJob(this.#room, quiet, this.#call.who);
    } finally {
      this.#socket.off('close', onClose);
    }
  }

  /** What changed since the last look, for this worker. */
  async look(pending: number): Promise<void> {
    const held = (await findHeld(this.#room.db, this.#call.who.worker.id))?.id;
    if (pending > this.#told.pending) this.#push('job_available', {});
    if (pending !== this.#told.pending) this.#push('queue_updated', { pending_count: pending });
    if (held !== undefined && held !== this.#told.held) this.#push('job_assigned', { build_id: held });
    this.#told = { pending, held };
  }

  #push(event: string, payload: unknown): void {
    if (!this.#joined) return;
    const { form, joinRef, topic } = this.#joined;
    this.#send(writeFrame(form, { joinRef, ref: null, topic, event, payload }));
  }

  #send(text: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(text);
  }

  [Symbol.dispose](): void {
    this.#watchers.remove(this);
  }
}

/** Looks once a second for all joined channels of this node, and not at all without any. */
class Watchers {
  readonly #room: Room;
  readonly #clock: Clock;
  readonly #channels = new Set<Channel>();
  #timer: Disposable | undefined;

  constructor(room: Room) {
    this.#room = room;
    this.#clock = room.clock;
  }

  add(channel: Channel): void {
    this.#channels.add(channel);
    this.#timer ??= this.#clock.after(lookEveryMs, () => void this.#look());
  }

  remove(channel: Channel): void {
    this.#channels.delete(channel);
    if (this.#channels.size > 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    const { pending } = this.#room.counts.read();
    for (const channel of this.#channels) {
      await channel.look(pending).catch((error: unknown) => {
        this.#room.telemetry.logger.warn({ error: asError(error) }, 'a channel could not be told what is new');
      });
    }
    this.#timer = this.#channels.size > 0 ? this.#clock.after(lookEveryMs, () => void this.#look()) : undefined;
  }
}
