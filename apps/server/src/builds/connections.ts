import { randomToken } from '#kernel/base';
import type { Room } from './room.ts';

const topic = 'builds.connected';

/** One connection per worker over all nodes: the newest stays, the one before is told to go. */
export class Connections implements Disposable {
  readonly #room: Pick<Room, 'bus'>;
  readonly #open = new Map<string, { name: string; replaced: () => void }>();
  readonly #subscription: Disposable;

  constructor(room: Pick<Room, 'bus'>) {
    this.#room = room;
    this.#subscription = room.bus.subscribe(topic, (hint) => {
      const [workerId = '', name = ''] = hint.split(' ');
      const here = this.#open.get(workerId);
      if (here && here.name !== name) here.replaced();
    });
  }

  get size(): number {
    return this.#open.size;
  }

  take(workerId: string, replaced: () => void): Disposable {
    const mine = { name: randomToken(9), replaced };
    this.#open.get(workerId)?.replaced();
    this.#open.set(workerId, mine);
    this.#room.bus.publish(topic, `${workerId} ${mine.name}`);
    return {
      [Symbol.dispose]: () => {
        if (this.#open.get(workerId) === mine) this.#open.delete(workerId);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }
}
