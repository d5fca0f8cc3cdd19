import { expect, test } from 'vitest';
import { buildsDefaults } from '../limits.ts';
import { leaseMs } from './signs.ts';

const minute = 60_000;
const none = { heartbeat: false, telemetry: false, files: false, uploadMs: 0, monitorSaid: false };

test.each([
  ['nothing yet', {}, 30],
  ['source, then silence', { files: true }, 130],
  ['telemetry', { files: true, telemetry: true }, 15],
  ['heartbeats', { files: true, telemetry: true, heartbeat: true }, 5],
  ['an upload in progress', { heartbeat: true, uploadMs: 30 * minute }, 30],
])('an attempt that sent %s may be silent for its time', (_, sent, minutes) => {
  expect(leaseMs({ ...none, ...sent }, buildsDefaults)).toBe(minutes * minute);
});
