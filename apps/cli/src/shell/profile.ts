import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export type Profile = { url: string; key: string };

const file = (): string => join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'muster', 'profile.json');

/** What `muster login` kept; readable by its owner only. */
export function readProfile(): Profile | undefined {
  try {
    const value = JSON.parse(readFileSync(file(), 'utf8')) as Partial<Profile>;
    return typeof value.url === 'string' && typeof value.key === 'string'
      ? { url: value.url, key: value.key }
      : undefined;
  } catch {
    return undefined;
  }
}

export function writeProfile(profile: Profile): string {
  mkdirSync(dirname(file()), { recursive: true, mode: 0o700 });
  writeFileSync(file(), `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 });
  chmodSync(file(), 0o600);
  return file();
}

export function removeProfile(): boolean {
  try {
    rmSync(file());
    return true;
  } catch {
    return false;
  }
}

/** The key that a server on this machine made at its first start, when its data folder is readable. */
export function readFirstKey(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'first-key'), 'utf8').trim();
  } catch {
    return undefined;
  }
}
