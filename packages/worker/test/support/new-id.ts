import { randomBytes } from 'node:crypto';

const letters = '0123456789abcdefghjkmnpqrstvwxyz';
/** An id as the server makes them, without the time in it. */
export const newId = (prefix: string): string =>
  `${prefix}_${Array.from(randomBytes(26), (byte) => letters[byte % 32]).join('')}`;
