import { expect, test } from 'vitest';
import { certsZip, tinyZip, type ZipEntry } from '#test/tiny-zip';
import { checkBundle, readBundle } from './certs-bundle.ts';

const p12: ZipEntry = { name: 'a.p12', data: Buffer.from('p12') };
const password: ZipEntry = { name: 'password.txt', data: Buffer.from(' pw \r\n') };

test('one p12, the password without its line end, every profile; the rest is ignored', async () => {
  const bundle = await readBundle(
    tinyZip([
      { name: 'certs/', mode: 0o040755 },
      { ...p12, name: 'certs/a.p12', deflate: true },
      password,
      { name: 'x.mobileprovision', data: Buffer.from('one') },
      { name: 'deep/y.mobileprovision', data: Buffer.from('two'), deflate: true },
      { name: '__MACOSX/._a.p12', data: Buffer.from('not a p12') },
      { name: 'certs/._a.p12', data: Buffer.from('not a p12') },
      { name: 'readme.md', data: Buffer.from('hello') },
    ]),
  );
  expect(bundle.p12.toString()).toBe('p12');
  expect(bundle.password).toBe('pw');
  expect(bundle.profiles.map(String)).toEqual(['one', 'two']);
  await checkBundle(certsZip());
});

test('read without a password is allowed, submitted without one is not', async () => {
  expect((await readBundle(tinyZip([p12]))).password).toBeUndefined();
  await expect(checkBundle(tinyZip([p12]))).rejects.toMatchObject({
    reason: 'certs_invalid',
    extra: { entry: 'password.txt' },
  });
});

const refused: [string, ZipEntry[], string | undefined][] = [
  ['no p12', [password], '*.p12'],
  ['two p12', [p12, { ...p12, name: 'b.p12' }, password], 'b.p12'],
  ['..', [p12, { name: 'a/../../x', data: Buffer.from('x') }], 'a/../../x'],
  ['absolute', [p12, { name: '/etc/passwd', data: Buffer.from('x') }], '/etc/passwd'],
  ['drive letter', [p12, { name: 'C:x', data: Buffer.from('x') }], 'C:x'],
  ['backslash', [p12, { name: String.raw`..\x`, data: Buffer.from('x') }], String.raw`..\x`],
  ['NUL', [p12, { name: 'a\0b', data: Buffer.from('x') }], 'a\0b'],
  ['link', [{ ...p12, mode: 0o120777 }, password], 'a.p12'],
  ['device', [p12, { name: 'dev', mode: 0o020666 }], 'dev'],
  ['encrypted', [{ ...p12, encrypted: true, deflate: true }], 'a.p12'],
  [
    'claims too much',
    [{ name: 'big.bin', deflate: true, data: Buffer.from('x'), claimedBytes: 60 * 2 ** 20 }, p12],
    'big.bin',
  ],
  ['more than it claims', [{ ...p12, deflate: true, data: Buffer.alloc(2 ** 20), claimedBytes: 10 }], 'a.p12'],
  ['101 entries', Array.from({ length: 101 }, (_, i) => ({ name: `f${i}` })), undefined],
];
test.each(refused)('refused and named: %s', async (_why, entries, entry) => {
  await expect(readBundle(tinyZip(entries))).rejects.toMatchObject({
    code: 'invalid',
    reason: 'certs_invalid',
    status: 400,
    extra: entry === undefined ? {} : { entry },
  });
});

const noZips = [Buffer.from(''), Buffer.from('not a zip at all, but long enough to look'), certsZip().subarray(0, -30)];
test.each(noZips)('no zip (%#)', async (bytes) => {
  await expect(readBundle(bytes)).rejects.toMatchObject({ reason: 'certs_invalid' });
});
