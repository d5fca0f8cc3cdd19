import { createHash, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type RunTokenKind, runTokenKinds } from './auth.ts';

/*
 * `mst_<8 id>_<43 secret><6 checksum>` for keys, `wkt_<43><6>` for run tokens. Base62 throughout, so a credential is one
 * word for shells, URLs and scanners. The checksum covers everything before it: typing errors need no look-up.
 */

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretLength = 43;
const checksumLength = 6;

export type Parsed = { kind: 'key'; shortId: string } | { kind: 'run'; token: RunTokenKind };

/** 32 random bytes as 43 characters, uniform over the alphabet by rejection. */
function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) if (byte < 248 && text.length < length) text += alphabet.charAt(byte % 62);
  }
  return text;
}

function checksum(text: string): string {
  let value = crc32(text);
  let digits = '';
  for (let i = 0; i < checksumLength; i++) {
    digits = alphabet.charAt(value % 62) + digits;
    value = Math.floor(value / 62);
  }
  return digits;
}

const signed = (text: string): string => `${text}${checksum(text)}`;

export const mintShortId = (): string => randomBase62(8);
export const mintKey = (shortId: string): string => signed(`mst_${shortId}_${randomBase62(secretLength)}`);
export const mintRunToken = (kind: RunTokenKind): string => signed(`${kind}_${randomBase62(secretLength)}`);

const shape = new RegExp(
  `^(?:mst_([0-9A-Za-z]{8})|(${runTokenKinds.join('|')}))_[0-9A-Za-z]{${secretLength + checksumLength}}$`,
);

/** What a credential claims to be; `undefined` when its shape or checksum is wrong. */
export function parseCredential(credential: string): Parsed | undefined {
  const found = shape.exec(credential);
  if (!found) return undefined;
  if (checksum(credential.slice(0, -checksumLength)) !== credential.slice(-checksumLength)) return undefined;
  const [, shortId] = found;
  if (shortId !== undefined) return { kind: 'key', shortId };
  const token = runTokenKinds.find((kind) => kind === found[2]);
  return token && { kind: 'run', token };
}

export const hashOf = (credential: string): Buffer => createHash('sha256').update(credential).digest();
/** The same as text; on hot paths, so in one step. */
export const hashName = (credential: string): string => hash('sha256', credential, 'base64');
export const sameHash = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);
