/** The server's time, from answers to pings: the one that took least says most. */
export class ServerClock {
  #offsetMs = 0;
  #bestMs = Number.POSITIVE_INFINITY;
  #takenAt = 0;

  /** Ms since 1970, as the server counts them. */
  readonly now = (): number => Date.now() + this.#offsetMs;

  /** How much the clock of this machine is off; positive: it is late. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  take(roundTripMs: number, serverAt: number): void {
    const now = performance.now();
    // An old measurement says little, because clocks drift and machines sleep.
    if (roundTripMs > this.#bestMs && now - this.#takenAt < 60_000) return;
    this.#bestMs = roundTripMs;
    this.#takenAt = now;
    this.#offsetMs = Math.round(serverAt + roundTripMs / 2 - Date.now());
  }
}
