import { hostile } from './hostile.ts';

export type Row = {
  id: string;
  version: number;
  state: string;
  name: string;
  platform: string;
  worker: string | null;
  why: string | null;
  at: number;
  ms: number;
};

const states = [
  'queued',
  'running',
  'failed',
  'succeeded',
  'cancelled',
  'assigned',
  'succeeded',
  'cancelling',
] as const;
const names = ['shop 2.4', 'api 1.9', 'watch 3.0', 'shop 2.3', 'kiosk 12.1.4'];
const whys: Readonly<Record<string, string>> = {
  queued: 'no worker has xcode=16',
  failed: 'user: gradle exit 1',
  cancelling: 'stopped by ada',
};
const base = Date.now();

export const rowAt = (i: number): Row => {
  const state = states[i % states.length] ?? 'queued';
  return {
    id: `bld_01k9z7qx4xj2mwqp8st6v${(1e5 - i).toString(32).padStart(4, '0')}`,
    version: 1,
    state,
    name: i === 5 ? hostile.bidi : i === 6 ? hostile.long : i === 7 ? hostile.script : (names[i % names.length] ?? ''),
    platform: i % 3 === 0 ? 'android' : 'ios',
    worker: state === 'queued' ? null : i % 2 === 0 ? 'mac-07' : 'lin-02',
    why: whys[state] ?? null,
    at: base - 80_000 - i * 61_000,
    ms: 80_000 + ((i * 7_919) % 500) * 1_000,
  };
};
