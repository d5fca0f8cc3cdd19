import { readFile } from 'node:fs/promises';
import { asError, type MusterError } from '#kernel/base';
import { errorCode } from '../pool/store-errors.ts';
import { type RefusalReason, refusal } from './refusal.ts';

/** Why a program of Postgres could not be run at all. */
export async function explainSpawn(thrown: unknown, program: string, musl: boolean = isMusl()): Promise<MusterError> {
  const error = asError(thrown);
  const code = errorCode(thrown);
  const text = `${error.message} ${'stderr' in error ? String(error.stderr) : ''}`;
  if (code === 'ENOENT' && musl) return needsGlibc();
  if (code === 'EACCES') {
    const mount = await mountOf(program);
    if (mount?.options.includes('noexec')) {
      return refusal(
        'postgres_noexec',
        `${program} lies on ${mount.point}, which is mounted noexec, so nothing can be run from there.`,
        'Put Muster on a disk that allows programs, remount it with exec, or set DATABASE_URL.',
        thrown,
      );
    }
    return refusal(
      'postgres_no_rights',
      `${program} may not be run by this user.`,
      'Reinstall Muster as the user that runs it.',
      thrown,
    );
  }
  return (
    explainOutput(text) ??
    refusal(
      'postgres_start_failed',
      `${program} could not be run: ${error.message}.`,
      'Set DATABASE_URL to use another Postgres.',
      thrown,
    )
  );
}

/** The programs of the package are linked against glibc. */
function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined;
}

function needsGlibc(): MusterError {
  return refusal(
    'postgres_musl',
    'The packaged Postgres needs glibc, and this system (such as Alpine) has musl.',
    'Install Postgres with the system (apk add postgresql18), use a Debian based image, or set DATABASE_URL.',
  );
}

const known: [pattern: RegExp, reason: RefusalReason, problem: string, remedy: string][] = [
  // Before the full disk: this trouble says "no space left" as well.
  [
    /could not (create|open|resize) shared memory|could not map .*shared memory/i,
    'postgres_shared_memory',
    'The system gives Postgres no shared memory.',
    'Give the container more (docker: --shm-size=256m), or set DATABASE_URL.',
  ],
  [
    /no space left on device|disk quota exceeded/i,
    'postgres_disk_full',
    'The disk of the database is full.',
    'Free some space on the disk of the data folder and start again; nothing acknowledged is lost.',
  ],
  [
    /read-only file system/i,
    'postgres_disk_read_only',
    'The disk of the database is read-only.',
    'Mount it writable, put the data folder elsewhere (--data), or set DATABASE_URL.',
  ],
  [
    /could not look up (effective )?user id/i,
    'postgres_user_unnamed',
    'The user that runs Postgres has no entry in /etc/passwd.',
    'Give it one, or set DATABASE_URL.',
  ],
  [
    /error while loading shared libraries: (\S+)/i,
    'postgres_library_missing',
    'A library that Postgres needs is missing: $1.',
    'Reinstall with npm ci, or set DATABASE_URL.',
  ],
  [
    /could not bind IPv4 address|could not create any TCP\/IP sockets/i,
    'postgres_no_loopback',
    'Postgres cannot listen on the IPv4 loopback address.',
    'Enable 127.0.0.1 on this machine, or set DATABASE_URL.',
  ],
  [
    /pre-existing shared memory block|lock file "postmaster\.pid" already exists/i,
    'postgres_still_running',
    'Another Postgres still works on this cluster.',
    'Wait until it has ended, or stop it; it is never started twice over the same data.',
  ],
  [
    /database files are incompatible|initialized by PostgreSQL version/i,
    'postgres_version_mismatch',
    'The cluster was made by another version of Postgres.',
    'Use the version of Muster it was made with.',
  ],
  [
    /permission denied/i,
    'postgres_no_rights',
    'The user of Postgres may not read or write its own folder.',
    'Give the cluster folder back to that user; its path is in the log line above.',
  ],
];

/** What the output of initdb or of the postmaster means, when it is one of the usual troubles. */
export function explainOutput(output: string): MusterError | undefined {
  for (const [pattern, reason, problem, remedy] of known) {
    const match = pattern.exec(output);
    if (match)
      return refusal(reason, problem.replace('$1', match[1] ?? 'unknown'), remedy, new Error(lastLines(output, 20)));
  }
  return undefined;
}

export const lastLines = (text: string, count: number): string => text.trimEnd().split('\n').slice(-count).join('\n');

async function mountOf(path: string): Promise<{ point: string; options: string[] } | undefined> {
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '');
  let best: { point: string; options: string[] } | undefined;
  for (const line of mounts.split('\n')) {
    const [, point = '', , options = ''] = line.split(' ');
    const holds = point !== '' && (path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`));
    if (holds && point.length >= (best?.point.length ?? 0)) best = { point, options: options.split(',') };
  }
  return best;
}
