import { createHash, randomBytes } from 'node:crypto';

/** Without signs that look like others. */
const alphabet = '23456789abcdefghjkmnpqrstvwxyz';
const groups = 4;
const groupLength = 4;
const count = 10;

/** Ten codes of 78 random bits each: as hard to guess from their hashes as they need to be. */
export const newRecoveryCodes = (): string[] => Array.from({ length: count }, newCode);

function newCode(): string {
  let text = '';
  // By rejection, so each sign is as likely as any other.
  while (text.length < groups * groupLength)
    for (const byte of randomBytes(32))
      if (byte < 240 && text.length < groups * groupLength) text += alphabet.charAt(byte % alphabet.length);
  return (text.match(/.{4}/g) ?? []).join('-');
}

const shape = new RegExp(`^[${alphabet}]{${groups * groupLength}}$`);

/** The hash that is kept of a code, however it was typed; `undefined`: it is none. */
export function recoveryHash(typed: string): Buffer | undefined {
  const text = typed.toLowerCase().replaceAll(/[\s-]/g, '');
  return shape.test(text) ? createHash('sha256').update(`recovery\0${text}`).digest() : undefined;
}
