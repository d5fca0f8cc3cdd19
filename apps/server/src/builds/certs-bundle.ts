import { buildLimits } from '@muster/protocol';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { asError, invalid, MusterError } from '#kernel/base';

/** What a credential bundle holds. Lives in memory only, for as long as one answer takes. */
export type Bundle = { p12: Buffer; password: string | undefined; profiles: Buffer[] };

const { certsEntriesMax, certsUnpackedBytesMax } = buildLimits;

/**
 * Reads a bundle: exactly one `.p12`, `password.txt`, any `.mobileprovision`; other files are ignored and never unpacked.
 * Every entry's name is checked all the same. Errors: `invalid` `certs_invalid`, naming the entry.
 */
export async function readBundle(zip: Buffer): Promise<Bundle> {
  const file = await opened(zip);
  try {
    if (file.entryCount > certsEntriesMax) throw bad(`it has ${file.entryCount} entries, more than ${certsEntriesMax}`);
    return await collect(file);
  } catch (error) {
    throw error instanceof MusterError ? error : bad(`it cannot be read: ${asError(error).message}`);
  } finally {
    file.close();
  }
}

/** What `/v1` asks of a bundle at submit: that a worker will be able to use it. */
export async function checkBundle(zip: Buffer): Promise<void> {
  const bundle = await readBundle(zip);
  if (bundle.password === undefined) throw bad('it has no password.txt', 'password.txt');
}

async function opened(zip: Buffer): Promise<ZipFile> {
  try {
    // Names stay bytes: the library's own clean-up would hide a backslash from the check below.
    return await fromBufferPromise(zip, { decodeStrings: false, validateEntrySizes: true });
  } catch (error) {
    throw bad(`it is not a zip archive: ${asError(error).message}`);
  }
}

async function collect(file: ZipFile): Promise<Bundle> {
  let p12: Buffer | undefined;
  let password: string | undefined;
  const profiles: Buffer[] = [];
  let unpackedBytes = 0;
  for await (const entry of file.eachEntry()) {
    const name = checkedName(entry);
    // Counted for ignored entries too: a bundle that claims gigabytes is not a bundle.
    unpackedBytes += entry.uncompressedSize;
    if (unpackedBytes > certsUnpackedBytesMax)
      throw bad(`unpacked it is larger than ${certsUnpackedBytesMax} bytes`, name);
    switch (roleOf(name)) {
      case 'p12':
        if (p12) throw bad('it has more than one .p12', name);
        p12 = await unpack(file, entry, name);
        break;
      case 'password':
        password ??= (await unpack(file, entry, name)).toString('utf8').trim();
        break;
      case 'profile':
        profiles.push(await unpack(file, entry, name));
        break;
      case 'other':
        break;
    }
  }
  if (!p12) throw bad('it has no .p12', '*.p12');
  return { p12, password, profiles };
}

type Role = 'p12' | 'password' | 'profile' | 'other';

function roleOf(name: string): Role {
  const base = name.slice(name.lastIndexOf('/') + 1);
  // What macOS adds beside each file ends in the same letters and is none of them.
  if (base === '' || base.startsWith('._') || name.startsWith('__MACOSX/')) return 'other';
  if (base.endsWith('.p12')) return 'p12';
  if (base === 'password.txt') return 'password';
  return base.endsWith('.mobileprovision') ? 'profile' : 'other';
}

const fileTypeMask = 0o170000;
const regular = 0o100000;
const folder = 0o040000;

function checkedName(entry: Entry): string {
  const name = entry.fileNameRaw.toString('utf8');
  if (name.includes('\\') || name.includes('\0')) throw bad('an entry name has a backslash or a NUL', name);
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) throw bad('an entry name is absolute', name);
  if (name.split('/').includes('..')) throw bad('an entry name has ".."', name);
  const type = (entry.externalFileAttributes >>> 16) & fileTypeMask;
  if (type !== 0 && type !== regular && type !== folder) throw bad('an entry is a link or a device', name);
  if (entry.isEncrypted()) throw bad('an entry is encrypted', name);
  return name;
}

async function unpack(file: ZipFile, entry: Entry, name: string): Promise<Buffer> {
  try {
    const chunks: Buffer[] = [];
    // The library ends the stream with an error when more or fewer bytes come than the entry declared.
    for await (const chunk of (await file.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  } catch (error) {
    throw bad(`an entry cannot be unpacked: ${asError(error).message}`, name);
  }
}

const bad = (why: string, entry?: string): MusterError => {
  const shown = entry?.slice(0, 120);
  return invalid(
    'certs_invalid',
    `The credential bundle is not usable: ${why}${shown === undefined ? '' : ` (${JSON.stringify(shown)})`}.`,
    {
      errors: [{ pointer: '/certs', detail: why }],
      ...(shown === undefined ? {} : { extra: { entry: shown } }),
    },
  );
};
