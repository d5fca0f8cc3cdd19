import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bus, busLimits } from '#kernel/bus';

export type BusMaker = {
  /** Two ends of one bus: one bus twice in one process, or two processes' buses on one database. */
  ends: [Bus, Bus];
  errors: { topic: string; error: unknown }[];
  close(): Promise<void>;
};

/** Collects what a subscription hears and lets a test wait for it. */
function ear(
  bus: Bus,
  topic: string,
): { heard: string[]; missed: number; until(want: () => boolean): Promise<void> } & Disposable {
  const waiting = new Set<() => void>();
  const told = (): void => {
    for (const check of waiting) check();
  };
  const self = {
    heard: [] as string[],
    missed: 0,
    until: (want: () => boolean) =>
      new Promise<void>((resolve) => {
        const check = (): void => {
          if (!want()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  };
  const subscription = bus.subscribe(
    topic,
    (payload) => {
      self.heard.push(payload);
      told();
    },
    () => {
      self.missed += 1;
      told();
    },
  );
  return self;
}

/** What every bus promises (bus.ts). */
export function busContract(name: string, make: () => Promise<BusMaker>): void {
  describe(`bus: ${name}`, () => {
    let maker: BusMaker;
    let near: Bus;
    let far: Bus;
    beforeAll(async () => {
      maker = await make();
      [near, far] = maker.ends;
    });
    afterAll(() => maker.close());

    it('reaches both ends, in the order of publishing', async () => {
      using a = ear(near, 't.order');
      using b = ear(far, 't.order');
      const sent = Array.from({ length: 500 }, (_, i) => `p${i}`);
      for (const payload of sent) near.publish('t.order', payload);
      await Promise.all([a.until(() => a.heard.includes('p499')), b.until(() => b.heard.includes('p499'))]);
      expect(a.heard).toEqual(sent);
      expect(b.heard).toEqual(sent);
    });

    it('hands each topic its own hints only', async () => {
      using a = ear(far, 't.a');
      using b = ear(far, 't.b');
      near.publish('t.a', 'for a');
      near.publish('t.b', 'for b');
      await Promise.all([a.until(() => a.heard.length > 0), b.until(() => b.heard.length > 0)]);
      expect([a.heard, b.heard]).toEqual([['for a'], ['for b']]);
    });

    it('does not run a listener inside publish', async () => {
      using a = ear(near, 't.later');
      near.publish('t.later', 'x');
      expect(a.heard).toEqual([]);
      await a.until(() => a.heard.length === 1);
    });

    it('makes one of equal hints that wait together', async () => {
      using a = ear(near, 't.equal');
      using b = ear(far, 't.equal');
      for (let i = 0; i < 100; i++) near.publish('t.equal', 'same');
      near.publish('t.equal', 'end');
      await Promise.all([a.until(() => a.heard.includes('end')), b.until(() => b.heard.includes('end'))]);
      expect(a.heard).toEqual(['same', 'end']);
      expect(b.heard).toEqual(['same', 'end']);
    });

    it('tells a listener nothing after it left, also when it leaves while being told', async () => {
      using after = ear(near, 't.leave');
      const heard: string[] = [];
      const first = near.subscribe('t.leave', (payload) => {
        heard.push(payload);
        first[Symbol.dispose]();
        first[Symbol.dispose]();
      });
      near.publish('t.leave', '1');
      near.publish('t.leave', '2');
      await after.until(() => after.heard.length === 2);
      expect(heard).toEqual(['1']);
    });

    it('tells a listener that comes while others are told with the next hint only', async () => {
      using after = ear(near, 't.again');
      const heard: string[] = [];
      let subscription: Disposable;
      const again = (): void => {
        subscription = near.subscribe('t.again', (payload) => {
          heard.push(payload);
          subscription[Symbol.dispose]();
          if (heard.length < 10) again();
        });
      };
      again();
      near.publish('t.again', '1');
      near.publish('t.again', '2');
      await after.until(() => after.heard.length === 2);
      subscription![Symbol.dispose]();
      expect(heard).toEqual(['1', '2']);
    });

    it('goes on after a listener threw, and says so', async () => {
      using _thrower = near.subscribe('t.throw', () => {
        throw new Error('mine');
      });
      using other = ear(near, 't.throw');
      near.publish('t.throw', 'x');
      await other.until(() => other.heard.length === 1);
      expect(maker.errors.some(({ topic, error }) => topic === 't.throw' && String(error).includes('mine'))).toBe(true);
    });

    it('lets a listener publish', async () => {
      using pong = ear(near, 't.pong');
      using _ping = far.subscribe('t.ping', (payload) => far.publish('t.pong', payload));
      near.publish('t.ping', 'x');
      await pong.until(() => pong.heard[0] === 'x');
    });

    it('carries any text up to the limit, and refuses more', async () => {
      using a = ear(far, 't.text');
      const texts = ['', 'ä€😀', 'a\nb', '"\\\u0001'.repeat(100), '\u0001'.repeat(busLimits.payloadBytesMax)];
      for (const text of texts) near.publish('t.text', text);
      await a.until(() => a.heard.length === texts.length);
      expect(a.heard).toEqual(texts);
      expect(() => near.publish('t.text', 'x'.repeat(busLimits.payloadBytesMax + 1))).toThrow('more than');
      expect(() => near.publish('t.text', '€'.repeat(busLimits.payloadBytesMax / 2))).toThrow('more than');
      expect(() => near.publish('', 'x')).toThrow('not a topic');
      expect(() => near.publish('a\nb', 'x')).toThrow('not a topic');
      expect(() => near.subscribe('t'.repeat(busLimits.topicBytesMax + 1), () => undefined)).toThrow('not a topic');
    });

    it('says missed instead of holding more than its limit', async () => {
      using a = ear(near, 't.full');
      using b = ear(far, 't.full');
      for (let i = 0; i < busLimits.waitingMax + 10; i++) near.publish('t.full', `${i}`);
      await Promise.all([a.until(() => a.missed > 0), b.until(() => b.missed > 0)]);
      expect(a.heard.length).toBe(busLimits.waitingMax);
    });

    it('refuses more subscriptions than its limit', () => {
      const all: Disposable[] = [];
      const fill = (): void => {
        for (let i = 0; i <= busLimits.subscriptionsMax; i++) all.push(near.subscribe('t.many', () => undefined));
      };
      expect(fill).toThrow('Too many parts');
      for (const one of all) one[Symbol.dispose]();
      near.subscribe('t.many', () => undefined)[Symbol.dispose]();
    });
  });
}
