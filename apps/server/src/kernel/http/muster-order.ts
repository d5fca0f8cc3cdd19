/** Work in lanes: one after the other within a lane, at once where nothing is before it. Acts never throw. */
export class Lanes {
  readonly #last = new Map<string, Promise<void>>();

  run(lane: string, act: () => void | Promise<void>): void {
    const before = this.#last.get(lane);
    const running = before === undefined ? act() : before.then(act);
    if (running === undefined) return;
    const last: Promise<void> = running.then(() => {
      if (this.#last.get(lane) === last) this.#last.delete(lane);
    });
    this.#last.set(lane, last);
  }
}

type Place = { send: (() => void) | undefined };

/** Answers leave in the order their places were taken, whatever order they come in. */
export class InOrder {
  readonly #places: Place[] = [];

  take(): (send: () => void) => void {
    const place: Place = { send: undefined };
    this.#places.push(place);
    return (send) => {
      place.send = send;
      for (let first = this.#places[0]; first?.send; first = this.#places[0]) {
        this.#places.shift();
        first.send();
      }
    };
  }
}
