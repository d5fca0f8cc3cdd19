import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { asError, randomToken, unavailable } from '#kernel/base';

/** Encrypts what must be read back (AES-256-GCM). `bound` ties the result to its place: elsewhere it does not open. */
export interface SecretBox {
  seal(plain: Uint8Array, bound?: Uint8Array): Buffer;
  /** `unavailable` `secrets_unreadable` when neither the present nor the previous secret opens it. */
  open(sealed: Uint8Array, bound?: Uint8Array): Buffer;
}

export interface Secrets {
  /** 32 bytes for one purpose, by HKDF-SHA256 with the label; one label for each purpose. */
  derive(label: string): Buffer;
  /** The same of every secret that still counts, the present one first: what was signed before a change can be checked. */
  deriveAll(label: string): readonly Buffer[];
  box(label: string): SecretBox;
  /** Where the secret came from: the environment, or the file in the data folder. */
  readonly from: 'environment' | 'data folder';
  /** Whether the file was made by this start. */
  readonly fresh: boolean;
}

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;

export function createSecrets(given: {
  master?: string | undefined;
  previous?: string | undefined;
  dataDir: string;
}): Secrets {
  const own = given.master === undefined ? ownSecret(given.dataDir) : { secret: given.master, fresh: false };
  const masters = [own.secret, ...(given.previous === undefined ? [] : [given.previous])];
  const derive = (master: string, label: string): Buffer =>
    Buffer.from(hkdfSync('sha256', master, 'muster', label, 32));
  return {
    from: given.master === undefined ? 'data folder' : 'environment',
    fresh: own.fresh,
    derive: (label) => derive(own.secret, label),
    deriveAll: (label) => masters.map((master) => derive(master, label)),
    box: (label) => new Box(masters.map((master) => derive(master, label))),
  };
}

/** `<data>/secret`, 0600, made once. Two starters at the same instant end up with the same one. */
function ownSecret(dataDir: string): { secret: string; fresh: boolean } {
  const path = join(dataDir, 'secret');
  const found = readSecret(path);
  if (found !== undefined) return { secret: found, fresh: false };
  const staged = `${path}.${randomToken(6)}`;
  const file = openSync(staged, 'wx', 0o600);
  try {
    writeSync(file, `${randomToken(32)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  let fresh = true;
  try {
    linkSync(staged, path);
  } catch (error) {
    if (Reflect.get(asError(error), 'code') !== 'EEXIST') throw error;
    fresh = false;
  } finally {
    rmSync(staged, { force: true });
  }
  const secret = readSecret(path);
  if (secret === undefined) throw unavailable('secrets_unreadable', `${path} went away while it was being made.`);
  return { secret, fresh };
}

function readSecret(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (Reflect.get(asError(error), 'code') === 'ENOENT') return undefined;
    throw unavailable(
      'secrets_unreadable',
      `${path} holds the secret of this installation and cannot be read. Give it back to the user of the server.`,
      { cause: error },
    );
  }
  if (text.length < 32)
    throw unavailable(
      'secrets_unreadable',
      `${path} does not hold a whole secret. Put the one of this installation back, or set MUSTER_SECRET.`,
    );
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  return text;
}

/** Layout: version byte, nonce, ciphertext, tag. */
class Box implements SecretBox {
  readonly #keys: readonly Buffer[];

  constructor(keys: readonly Buffer[]) {
    this.#keys = keys;
  }

  seal(plain: Uint8Array, bound: Uint8Array = new Uint8Array()): Buffer {
    const [key] = this.#keys;
    if (!key) throw new Error('invariant broken: a box without a key');
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(bound);
    return Buffer.concat([Buffer.of(version), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  open(sealed: Uint8Array, bound: Uint8Array = new Uint8Array()): Buffer {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes.length > nonceBytes + tagBytes && bytes[0] === version) {
      for (const key of this.#keys) {
        const opened = tryOpen(key, bytes.subarray(1), bound);
        if (opened) return opened;
      }
    }
    throw unavailable(
      'secrets_unreadable',
      'What was encrypted cannot be read with the secret this server has. Set MUSTER_SECRET to the one it was encrypted with, or MUSTER_SECRET_PREVIOUS after a change.',
    );
  }
}

function tryOpen(key: Buffer, sealed: Buffer, bound: Uint8Array): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes))
    .setAAD(bound)
    .setAuthTag(sealed.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch {
    return undefined;
  }
}
