import type { Instruction } from '@muster/protocol';
import { type Call, taken } from '#kernel/http';
import { arriveWorker } from './arrive-worker.ts';
import type { Holder } from './holder.ts';
import type { Room } from './room.ts';
import { streamJobs } from './worker-stream.ts';

/**
 * `GET /v1/workers/me/events`: the worker is parked as long as the stream is open. It cannot say what it holds, so the rows
 * alone decide: a job comes whenever a seat is free; an assigned build nobody heard of yet comes again after a reconnect.
 */
export async function workerEvents(room: Room, call: Pick<Call<Holder>, 'who' | 'sse'>): Promise<typeof taken> {
  const worker = await arriveWorker(room, call.who);
  const stream = call.sse();
  const { closed } = stream;
  const send = (event: string, data: object): boolean => {
    if (closed.aborted) return false;
    stream.send({ event, data: JSON.stringify(data) });
    return true;
  };
  const tell = (instructions: readonly Instruction[]): boolean =>
    instructions.every((instruction) => send(instruction.kind, instruction));
  const link = room.live.presence.attach(worker.id, { kind: 'events', tell });
  send('ping', {});
  room.live.presence.tell(worker.id);
  void streamJobs(room, {
    workerId: worker.id,
    free: Number.POSITIVE_INFINITY,
    held: null,
    signal: closed,
    give: (job) => send('job', job),
  }).finally(() => {
    link[Symbol.dispose]();
    stream.end();
  });
  return taken;
}
