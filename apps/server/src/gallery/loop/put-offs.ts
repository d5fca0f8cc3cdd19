/** So many are remembered; beyond it the oldest are forgotten, and show no reason. */
const putOffsMax = 20_000;
/** A think may be this late before its reason is old news. */
const staleMs = 5_000;

export type PutOff = { reason: string; until: number };

/** Why thinks that wrote nothing come again later: said to people, decided by nobody. Of this node's bots, in memory only. */
export class PutOffs {
  readonly #byBot = new Map<string, PutOff>();

  note(botId: string, putOff: PutOff): void {
    this.#byBot.delete(botId);
    this.#byBot.set(botId, putOff);
    if (this.#byBot.size <= putOffsMax) return;
    const [oldest] = this.#byBot.keys();
    if (oldest !== undefined) this.#byBot.delete(oldest);
  }

  clear(botId: string): void {
    this.#byBot.delete(botId);
  }

  of(botId: string, now: number): PutOff | undefined {
    const putOff = this.#byBot.get(botId);
    return putOff && now <= putOff.until + staleMs ? putOff : undefined;
  }
}
