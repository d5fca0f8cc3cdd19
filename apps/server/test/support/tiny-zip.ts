import { crc32, deflateRawSync } from 'node:zlib';

export type ZipEntry = {
  name: string | Buffer;
  data?: Uint8Array;
  /** Unix mode with file type, such as 0o120777 for a link. */
  mode?: number;
  /** What the directory claims, when that is not the truth. */
  claimedBytes?: number;
  deflate?: boolean;
  encrypted?: boolean;
};

/** A zip archive byte by byte, also ones that no tool would make. */
export function tinyZip(entries: readonly ZipEntry[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const data = Buffer.from(entry.data ?? Buffer.alloc(0));
    const stored = entry.deflate ? deflateRawSync(data) : data;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE((entry.encrypted ? 1 : 0) | 0x800, 2);
    common.writeUInt16LE(entry.deflate ? 8 : 0, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(stored.length, 14);
    common.writeUInt32LE(entry.claimedBytes ?? data.length, 18);
    common.writeUInt16LE(name.length, 22);
    files.push(Buffer.from('PK\x03\x04', 'latin1'), common, name, stored);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, tail, name);
    offset += 30 + name.length + stored.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, listed, end]);
}

/** A usable credential bundle. */
export const certsZip = (password = 's3cret'): Buffer =>
  tinyZip([
    { name: 'dist.p12', data: Buffer.from('the p12 bytes'), deflate: true },
    { name: 'password.txt', data: Buffer.from(`${password}\n`) },
    { name: 'profiles/app.mobileprovision', data: Buffer.from('profile one'), deflate: true },
  ]);
