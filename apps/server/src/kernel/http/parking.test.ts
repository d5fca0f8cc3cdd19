import { expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { Parking } from './parking.ts';
import { InFlight } from './shell-state.ts';

const never = new AbortController().signal;

test('a parked call comes back once, for the first reason, and lets go of what it registered', async () => {
  const clock = new FakeClock();
  const parking = new Parking(clock, 10);
  let held = 0;
  let wake: (value: string) => void = () => undefined;
  const register = (given: (value: string) => void) => {
    wake = given;
    held += 1;
    return { [Symbol.dispose]: () => void (held -= 1) };
  };

  const woken = parking.park(1000, never, register);
  wake('job');
  wake('again');
  expect(await woken).toEqual({ why: 'woken', value: 'job' });

  const timed = parking.park(1000, never, register);
  await clock.advance(1000);
  expect(await timed).toEqual({ why: 'timeout' });

  const client = new AbortController();
  const gone = parking.park(1000, client.signal, register);
  client.abort();
  expect(await gone).toEqual({ why: 'gone' });

  const at = parking.park(1000, never, (given) => (given('at once'), register(given)));
  expect(await at).toEqual({ why: 'woken', value: 'at once' });
  expect([held, parking.size]).toEqual([0, 0]);
});

test('a full house refuses, a draining one sends all home', async () => {
  const parking = new Parking(new FakeClock(), 2);
  const waiting = [parking.park(1000, never, () => undefined), parking.park(1000, never, () => undefined)];
  expect(() => parking.park(1000, never, () => undefined)).toThrow(
    expect.objectContaining({ code: 'exhausted', reason: 'too_many_parked' }),
  );
  parking.drain();
  expect(await Promise.all(waiting)).toEqual([{ why: 'draining' }, { why: 'draining' }]);
  expect(await parking.park(1000, never, () => undefined)).toEqual({ why: 'draining' });
});

test('the limit counts work, the end waits for everything open', async () => {
  const inFlight = new InFlight(1);
  const parking = new Parking(new FakeClock(), 2);
  inFlight.opened();
  const parked = inFlight.whileParked(() => parking.park(1000, never, () => undefined));
  expect([inFlight.now, inFlight.open]).toEqual([0, 1]);
  inFlight.opened();
  inFlight.refuseWhenFull();
  inFlight.opened();
  expect(() => inFlight.refuseWhenFull()).toThrow(expect.objectContaining({ reason: 'too_many_requests' }));
  let idle = false;
  const waiting = inFlight.idle().then(() => (idle = true));
  inFlight.closed();
  inFlight.closed();
  parking.drain();
  await parked;
  expect(idle).toBe(false);
  inFlight.closed();
  await waiting;
  expect(inFlight.now).toBe(0);
});
