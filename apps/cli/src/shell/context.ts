import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@muster/client';
import { Output } from './output.ts';
import { readFirstKey, readProfile } from './profile.ts';

export type GlobalOptions = {
  server?: string;
  key?: string;
  json?: boolean;
  quiet?: boolean;
  color?: boolean;
  yes?: boolean;
};

export const version = (
  JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as { version: string }
).version;
export const installationRoot = join(import.meta.dirname, '..', '..', '..', '..');

/** What every command works with: where the server is, with which key, and how to speak. */
export type Context = {
  client: Client;
  output: Output;
  url: string;
  /** The key that was said for this command, by flag or variable. */
  givenKey: string | undefined;
  /** Answers yes to every question. */
  yes: boolean;
  signal: AbortSignal;
};

/** `--key -` reads the key from stdin, so that it stands neither in a history nor in a process list. */
export function makeContext(options: GlobalOptions, signal: AbortSignal): Context {
  const profile = readProfile();
  const url =
    options.server ??
    process.env['MUSTER_URL'] ??
    profile?.url ??
    `http://127.0.0.1:${process.env['MUSTER_PORT'] ?? process.env['PORT'] ?? 4000}`;
  const given = options.key === '-' ? readFileSync(0, 'utf8').trim() : options.key;
  const givenKey = given ?? process.env['MUSTER_API_KEY'];
  const credential =
    givenKey ??
    (profile && profile.url === url ? profile.key : undefined) ??
    readFirstKey(process.env['MUSTER_DATA_DIR'] ?? join(installationRoot, 'data'));
  return {
    client: new Client({ url, userAgent: `muster-cli/${version}`, ...(credential ? { credential } : {}) }),
    output: new Output({
      json: options.json ?? false,
      quiet: options.quiet ?? false,
      color: (options.color ?? true) && process.env['NO_COLOR'] === undefined,
    }),
    url,
    givenKey,
    yes: options.yes ?? false,
    signal,
  };
}
