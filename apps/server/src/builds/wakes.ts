import type { Room } from './room.ts';

const readyTopic = 'builds.ready';
const nudgeTopic = 'builds.nudge';

type Heard = {
  ready(demand: { projectId: string; sig: number }): void;
  nudged(workerId: string): void;
  /** Hints may have been lost: look at the rows. */
  missed(): void;
};

/**
 * Hints that something may be taken or has to be told. This node hears at once; other nodes by the bus, which makes equal
 * hints within 5 ms one. A hint carries its sender, because the bus also brings back what this node sent.
 */
export class Wakes implements Disposable {
  readonly #room: Pick<Room, 'bus' | 'nodeId' | 'metrics'>;
  readonly #heard: Heard;
  readonly #subscriptions: Disposable[];

  constructor(room: Pick<Room, 'bus' | 'nodeId' | 'metrics'>, heard: Heard) {
    this.#room = room;
    this.#heard = heard;
    this.#subscriptions = [
      room.bus.subscribe(
        readyTopic,
        (hint) => this.#hearReady(hint),
        () => heard.missed(),
      ),
      room.bus.subscribe(
        nudgeTopic,
        (hint) => this.#hearNudge(hint),
        () => heard.missed(),
      ),
    ];
  }

  wake(demand: { projectId: string; sig: number }): void {
    this.#room.metrics.wakes.add({ via: 'local' });
    this.#heard.ready(demand);
    this.#room.bus.publish(readyTopic, `${demand.projectId}:${demand.sig} ${this.#room.nodeId}`);
  }

  nudge(workerId: string): void {
    this.#heard.nudged(workerId);
    this.#room.bus.publish(nudgeTopic, `${workerId} ${this.#room.nodeId}`);
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
  }

  #hearReady(hint: string): void {
    const [demand = '', from] = hint.split(' ');
    const at = demand.lastIndexOf(':');
    const sig = Number(demand.slice(at + 1));
    if (from === this.#room.nodeId || at <= 0 || !Number.isSafeInteger(sig)) return;
    this.#room.metrics.wakes.add({ via: 'bus' });
    this.#heard.ready({ projectId: demand.slice(0, at), sig });
  }

  #hearNudge(hint: string): void {
    const [workerId = '', from] = hint.split(' ');
    if (from !== this.#room.nodeId && workerId !== '') this.#heard.nudged(workerId);
  }
}
