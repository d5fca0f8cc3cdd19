import { writeFile } from 'node:fs/promises';
import { crc32, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

export type ZipEntry = {
  name: string;
  data?: string | Buffer;
  /** Unix mode with its type bits, as `zip` on Unix stores it. */
  mode?: number;
  /** Lies about the checksum. */
  crc?: number;
  /** Lies about the unpacked size. */
  size?: number;
  flags?: number;
  method?: 0 | 8 | 99;
};

/** A zip made by hand, so that it can be as wrong as a test wants it. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const data = Buffer.from(entry.data ?? '');
    const method = entry.method ?? (data.length > 64 ? 8 : 0);
    const packed = method === 8 ? deflateRawSync(data) : data;
    const name = Buffer.from(entry.name);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE((entry.flags ?? 0) | 0x800, 2);
    shared.writeUInt16LE(method, 4);
    shared.writeUInt32LE(entry.crc ?? crc32(data), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(entry.size ?? data.length, 18);
    shared.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, name, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6);
    tail.writeUInt32LE(at, 10);
    const central = [Buffer.from('PK\x01\x02', 'latin1'), Buffer.from([20, 3]), shared, tail, name];
    locals.push(local);
    centrals.push(...central);
    at += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}

export type TarEntry = Partial<Header> & { name: string; data?: string | Buffer };

export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { data, ...header } of entries) tar.entry(header, data ?? '');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const tarGzOf = async (entries: readonly TarEntry[]): Promise<Buffer> => gzipSync(await tarOf(entries));
export const tarZstOf = async (entries: readonly TarEntry[]): Promise<Buffer> => zstdCompressSync(await tarOf(entries));

export async function fileOf(path: string, data: Buffer): Promise<string> {
  await writeFile(path, data);
  return path;
}
