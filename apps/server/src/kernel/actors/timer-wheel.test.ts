import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#kernel/base';
import { TimerWheel } from './timer-wheel.ts';
import { WheelDriver } from './wheel-driver.ts';

const start = 1_700_000_000_000;

/** What the wheel promises, done with a sorted list. */
class SortedList {
  readonly #entries = new Map<number, { at: number; tick: number }>();
  #tick = Math.floor(start / 20);

  set(id: number, at: number): void {
    this.#entries.set(id, { at, tick: Math.max(Math.ceil(at / 20), this.#tick + 1) });
  }
  cancel(id: number): void {
    this.#entries.delete(id);
  }
  get size(): number {
    return this.#entries.size;
  }
  advance(now: number): number[] {
    this.#tick = Math.max(this.#tick, Math.floor(now / 20));
    const due = [...this.#entries].filter(([, { tick }]) => tick <= this.#tick);
    for (const [id] of due) this.#entries.delete(id);
    return due.sort(([a, x], [b, y]) => x.at - y.at || a - b).map(([id]) => id);
  }
}

// Near, further, beyond each level, in the past, and the same moment often.
const delay = fc.oneof(
  fc.integer({ min: -1_000, max: 6_000 }),
  fc.integer({ min: 0, max: 400_000 }),
  fc.integer({ min: 0, max: 30_000_000 }),
  fc.integer({ min: 0, max: 200_000_000_000 }),
  fc.constantFrom(0, 20, 5_100, 5_120, 5_140, 327_660, 327_680, 327_700),
);
const command = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('set' as const), id: fc.nat(60), delay }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), id: fc.nat(60), delay }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), id: fc.nat(60), delay }) },
);

describe('timer wheel', () => {
  it('hands out what a sorted list would', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const wheel = new TimerWheel({ now: start, capacity: 4 });
        const list = new SortedList();
        let now = start;
        for (const { do: what, id, delay } of commands) {
          if (what === 'set') {
            wheel.set(id, now + delay);
            list.set(id, now + delay);
          } else if (what === 'cancel') {
            wheel.cancel(id);
            list.cancel(id);
          } else {
            now += Math.max(0, delay);
            expect(wheel.advance(now)).toEqual(list.advance(now));
          }
          expect(wheel.size).toBe(list.size);
        }
        now += 1e13;
        expect(wheel.advance(now)).toEqual(list.advance(now));
        expect(wheel.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('its next moment is never after an entry, and leads there', () => {
    fc.assert(
      fc.property(fc.array(delay, { minLength: 1, maxLength: 30 }), (delays) => {
        const wheel = new TimerWheel({ now: start });
        delays.forEach((delay, id) => wheel.set(id, start + delay));
        const seen: number[] = [];
        for (let next = wheel.nextAt(); next !== undefined; next = wheel.nextAt()) {
          for (const id of wheel.advance(next)) {
            seen.push(id);
            const due = Math.ceil(Math.max(start + (delays[id] ?? 0), start + 1) / 20) * 20;
            expect(next).toBe(due);
          }
        }
        expect(seen).toHaveLength(delays.length);
      }),
    );
  });

  it('sets and cancels 100 000 entries in a moment', () => {
    const wheel = new TimerWheel({ now: start });
    const began = performance.now();
    for (let id = 0; id < 100_000; id++) wheel.set(id, start + 1_000 + id * 37);
    for (let id = 0; id < 100_000; id++) wheel.set(id, start + 2_000 + ((id * 7919) % 900_000));
    for (let id = 0; id < 100_000; id += 2) wheel.cancel(id);
    const due = wheel.advance(start + 902_000);
    expect(due).toHaveLength(50_000);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('runs on a clock that moves only when told, one timer for all', async () => {
    const clock = new FakeClock(start);
    const wheel = new TimerWheel({ now: start });
    const seen: [number, number][] = [];
    const driver = new WheelDriver({
      clock,
      wheel,
      now: () => clock.now(),
      due: (ids) => {
        for (const id of ids) {
          seen.push([id, clock.now() - start]);
          if (id === 1 && clock.now() < start + 10_000) driver.set(1, clock.now() + 4_000);
        }
      },
    });
    driver.set(1, start + 4_000);
    driver.set(2, start + 60_001);
    driver.start();
    driver.set(3, start + 10);
    driver.set(4, start + 100);
    driver.cancel(4);
    await clock.advance(70_000);
    expect(seen).toEqual([
      [3, 20],
      [1, 4_000],
      [1, 8_000],
      [1, 12_000],
      [2, 60_020],
    ]);
    driver.set(5, clock.now() + 100);
    driver[Symbol.dispose]();
    await clock.advance(1_000);
    expect(seen).toHaveLength(5);
  });
});
