import { describe, expect, test } from 'vitest';
import { explainOutput, explainSpawn } from './explain.ts';

describe('output that means something known', () => {
  test.each([
    ['initdb: error: could not write to file: No space left on device', 'postgres_disk_full'],
    ['PANIC:  could not write to file "pg_wal/xlogtemp.1": No space left on device', 'postgres_disk_full'],
    [
      'FATAL:  could not resize shared memory segment "/PostgreSQL.1": No space left on device',
      'postgres_shared_memory',
    ],
    ['initdb: error: could not create directory "x": Read-only file system', 'postgres_disk_read_only'],
    ['initdb: error: could not look up effective user ID 54321: user does not exist', 'postgres_user_unnamed'],
    ['postgres: error while loading shared libraries: libxml2.so.2: cannot open', 'postgres_library_missing'],
    ['LOG:  could not bind IPv4 address "127.0.0.1": Cannot assign requested address', 'postgres_no_loopback'],
    ['FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use', 'postgres_still_running'],
    ['FATAL:  database files are incompatible with server', 'postgres_version_mismatch'],
    ['FATAL:  could not open file "global/pg_control": Permission denied', 'postgres_no_rights'],
  ])('%s', (output, reason) => {
    const refused = explainOutput(`some\nlines before\n${output}\n`);
    expect(refused).toMatchObject({ code: 'unavailable', reason });
    expect(refused?.extra).toMatchObject({ remedy: expect.stringMatching(/\w{3,}/) });
  });

  test('the missing library is named', () => {
    expect(explainOutput('error while loading shared libraries: libxml2.so.2: cannot open')?.message).toContain(
      'libxml2.so.2',
    );
  });

  test('anything else is not guessed', () => {
    expect(explainOutput('FATAL:  something new')).toBeUndefined();
  });
});

test('a program that may not be run is named', async () => {
  const error = Object.assign(new Error('spawn EACCES'), { code: 'EACCES' });
  expect(await explainSpawn(error, '/opt/x/postgres')).toMatchObject({
    reason: 'postgres_no_rights',
    message: expect.stringContaining('/opt/x/postgres'),
  });
});

test('on musl the programs of the package cannot be found, though they are there', async () => {
  const error = Object.assign(new Error('spawn ENOENT'), { code: 'ENOENT' });
  expect(await explainSpawn(error, '/opt/x/postgres', true)).toMatchObject({
    reason: 'postgres_musl',
    message: expect.stringContaining('apk add'),
  });
});
