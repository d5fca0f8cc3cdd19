import { type Clock, randomToken } from '#kernel/base';
import type { Bus } from '#kernel/bus';
import type { Db } from '#kernel/db';
import { readOwners } from './queries/shards.ts';

/** What one node asks of all others that own a shard. */
export type NodeCall =
  | { do: 'changed'; project: string; bots?: readonly string[] }
  | { do: 'panic'; project: string }
  | { do: 'gates'; spreadMs?: number };
type Asked = NodeCall & { no: string; from: string };
type Answered = { no: string; node: string; inFlight: number };

const topic = 'gallery.calls';
const answers = 'gallery.answers';
/** Ids that fit one hint; more become "all of the project". */
const botsPerHint = 20;

export type NodeAnswer = { id: string; confirmed: boolean; inFlight: number };

/**
 * Questions between nodes by hints: each owner answers when it has done what was asked. A hint may be lost; then the reply
 * says so, and the other node finds the rows changed at its next renewal all the same.
 */
export class NodeCalls implements Disposable {
  readonly #parts: { db: Db; bus: Bus; clock: Clock; nodeId: string; answer: (call: NodeCall) => Promise<number> };
  readonly #waiting = new Map<string, (answer: Answered) => void>();
  readonly #subscriptions: Disposable[] = [];

  constructor(parts: { db: Db; bus: Bus; clock: Clock; nodeId: string; answer: (call: NodeCall) => Promise<number> }) {
    this.#parts = parts;
  }

  /** `missed`: hints may have been lost, so everything is to be looked at. */
  start(missed: () => void): void {
    const { bus } = this.#parts;
    this.#subscriptions.push(
      bus.subscribe(topic, (text) => void this.#asked(JSON.parse(text) as Asked), missed),
      bus.subscribe(answers, (text) => {
        const answer = JSON.parse(text) as Answered;
        this.#waiting.get(answer.no)?.(answer);
      }),
    );
  }

  /** Asks every other node that owns a shard, and waits at most `withinMs` for all of them. */
  async ask(call: NodeCall, withinMs: number): Promise<NodeAnswer[]> {
    const { db, bus, clock, nodeId } = this.#parts;
    const others = (await readOwners(db)).filter((owner) => owner !== nodeId);
    const no = randomToken(6);
    const heard = new Map<string, number>();
    if (others.length === 0) return [];
    await new Promise<void>((resolve) => {
      const timer = clock.after(withinMs, resolve);
      this.#waiting.set(no, ({ node, inFlight }) => {
        heard.set(node, inFlight);
        if (!others.every((other) => heard.has(other))) return;
        timer[Symbol.dispose]();
        resolve();
      });
      bus.publish(topic, JSON.stringify({ ...fitting(call), no, from: nodeId } satisfies Asked));
    });
    this.#waiting.delete(no);
    return others.map((id) => ({ id, confirmed: heard.has(id), inFlight: heard.get(id) ?? 0 }));
  }

  /** The same, without waiting for anybody. */
  tell(call: NodeCall): void {
    const { bus, nodeId } = this.#parts;
    bus.publish(topic, JSON.stringify({ ...fitting(call), no: randomToken(6), from: nodeId } satisfies Asked));
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
  }

  async #asked({ no, from, ...call }: Asked): Promise<void> {
    const { bus, nodeId, answer } = this.#parts;
    if (from === nodeId) return;
    const inFlight = await answer(call);
    bus.publish(answers, JSON.stringify({ no, node: nodeId, inFlight } satisfies Answered));
  }
}

function fitting(call: NodeCall): NodeCall {
  if (call.do !== 'changed' || call.bots === undefined || call.bots.length <= botsPerHint) return call;
  return { do: 'changed', project: call.project };
}
