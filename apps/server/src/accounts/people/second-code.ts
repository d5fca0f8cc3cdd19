import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/*
 * Codes that change with the time (RFC 6238: TOTP over HMAC-SHA1, six digits, 30 s), as every authenticator makes them.
 * Clocks of telephones go wrong, so the period before and the one after count too.
 */
const periodMs = 30_000;
const digits = 6;
const periodsEitherSide = 1;
const secretBytes = 20;

export const newSecret = (): Buffer => randomBytes(secretBytes);

/** The period of `nowMs` whose code this is, later than `after`; `undefined`: none. A period is a count of 30 s since 1970. */
export function periodOf(code: string, secret: Uint8Array, nowMs: number, after: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const given = Buffer.from(code);
  const now = Math.floor(nowMs / periodMs);
  let found: number | undefined;
  // All are looked at, so that the time taken says nothing.
  for (let period = now - periodsEitherSide; period <= now + periodsEitherSide; period++) {
    if (timingSafeEqual(given, Buffer.from(codeOf(secret, period))) && period > after) found ??= period;
  }
  return found;
}

/** HOTP (RFC 4226 §5.3) of one period. */
export function codeOf(secret: Uint8Array, period: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(period));
  const hash = createHmac('sha1', secret).update(counter).digest();
  const at = hash.readUInt8(hash.length - 1) & 0x0f;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 10 ** digits).padStart(digits, '0');
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Base32 without its padding (RFC 4648 §6), as authenticators take a secret that is typed. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += alphabet.charAt((held >> (bits - 5)) & 31);
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + alphabet.charAt((held << (5 - bits)) & 31);
}

/** What an authenticator scans; `place` names this server among those of the person. */
export function uriOf(secret: Uint8Array, email: string, place: string): string {
  const issuer = `Muster ${place}`;
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(email)}`;
  return `otpauth://totp/${label}?secret=${base32(secret)}&issuer=${encodeURIComponent(issuer)}`;
}
