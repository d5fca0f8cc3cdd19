import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster/protocol';
import { BuildFailure } from './build-failure.ts';
import type { Http, Reader } from './http.ts';

type Certs = { p12: string; p12Password: string; keychainPassword: string; provisioningProfiles: string[] };

const certsReader: Reader<Certs> = {
  parse(value) {
    const certs = value as Partial<Certs> | null;
    const texts = [certs?.p12, certs?.p12Password, certs?.keychainPassword, ...(certs?.provisioningProfiles ?? [])];
    if (!certs || !Array.isArray(certs.provisioningProfiles) || texts.some((text) => typeof text !== 'string'))
      throw new Error('not a credential bundle');
    return certs as Certs;
  },
};

/**
 * Fetches the signing material and lays it into MUSTER_CERTS_DIR: `certificate.p12`, `password.txt`,
 * `keychain-password.txt`, `profile-1.mobileprovision` … Nothing else of the worker keeps it, and the folder is the
 * first thing removed after the build. Returns the texts that must not show in the log.
 */
export async function fetchCerts(
  http: Http,
  url: string,
  token: string,
  into: string,
  signal: AbortSignal,
): Promise<string[]> {
  const certs = await read(http, url, token, signal);
  await secret(join(into, 'certificate.p12'), Buffer.from(certs.p12, 'base64'));
  await secret(join(into, 'password.txt'), certs.p12Password);
  await secret(join(into, 'keychain-password.txt'), certs.keychainPassword);
  for (const [index, profile] of certs.provisioningProfiles.entries()) {
    await secret(join(into, `profile-${index + 1}.mobileprovision`), Buffer.from(profile, 'base64'));
  }
  return [certs.p12Password, certs.keychainPassword];
}

async function read(http: Http, url: string, token: string, signal: AbortSignal): Promise<Certs> {
  try {
    return await http.json(certsReader, 'GET', url, { token, signal, timeoutMs: 120_000 });
  } catch (error) {
    if (error instanceof MusterError && error.status === 404)
      throw new BuildFailure('certs_missing', `the credential bundle is gone: ${error.message}`, { cause: error });
    if (error instanceof MusterError && error.reason === 'certs_invalid')
      throw new BuildFailure('certs_invalid', error.message, { cause: error });
    if (error instanceof MusterError && error.reason === 'secrets_unreadable')
      throw new BuildFailure('secrets_unreadable', error.message, { cause: error });
    throw error;
  }
}

const secret = (path: string, data: string | Buffer): Promise<void> => writeFile(path, data, { mode: 0o600 });
