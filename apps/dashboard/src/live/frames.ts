/** While nobody looks the browser draws no frames; then what has come waits this long. */
const hiddenMs = 1000;

/** Calls `work` once in the next animation frame, however often it is asked. */
export class NextFrame implements Disposable {
  readonly #work: () => void;
  #frame: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(work: () => void) {
    this.#work = work;
  }

  ask(): void {
    if (this.#frame !== undefined || this.#timer !== undefined) return;
    if (document.hidden) this.#timer = setTimeout(() => this.now(), hiddenMs);
    else this.#frame = requestAnimationFrame(() => this.now());
  }

  now(): void {
    this[Symbol.dispose]();
    this.#work();
  }

  [Symbol.dispose](): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#frame = undefined;
    this.#timer = undefined;
  }
}
