import { expect, test } from 'vitest';
import { postgresSettings, settingsArguments, settingsMark } from './settings.ts';

const gibibyte = 1024 ** 3;
const roomy = { memoryBytes: 8 * gibibyte, sharedMemoryBytes: gibibyte };

test('what is acknowledged is on disk, whatever the machine', () => {
  for (const machine of [roomy, { memoryBytes: 1, sharedMemoryBytes: 0 }]) {
    expect(postgresSettings(10, machine)).toMatchObject({
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      max_connections: '30',
      jit: 'off',
      timezone: 'UTC',
    });
  }
});

test('small machines get less, containers without shared memory none', () => {
  expect(postgresSettings(10, roomy)).toMatchObject({ shared_buffers: '128MB' });
  expect(postgresSettings(10, { ...roomy, memoryBytes: gibibyte / 2 })).toMatchObject({ shared_buffers: '64MB' });
  expect(postgresSettings(10, roomy)).not.toHaveProperty('dynamic_shared_memory_type');
  expect(postgresSettings(10, { ...roomy, sharedMemoryBytes: 64 * 1024 ** 2 })).toMatchObject({
    dynamic_shared_memory_type: 'mmap',
    max_parallel_workers: '0',
  });
});

test('the mark tells settings apart, whatever their order', () => {
  expect(settingsMark({ a: '1', b: '2' })).toBe(settingsMark({ b: '2', a: '1' }));
  expect(settingsMark({ a: '1' })).not.toBe(settingsMark({ a: '2' }));
  expect(settingsArguments({ a: '1' })).toEqual(['-c', 'a=1', '-c', `muster.settings=${settingsMark({ a: '1' })}`]);
});
