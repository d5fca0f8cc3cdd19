import { Client } from '@muster/client';
import type { Submitted } from '@muster/protocol';
import { tinyZip } from '../../../server/test/support/tiny-zip.ts';

/** A build of one small file, by a key: what a person does from a terminal while the console is open. */
export async function submitBuild(url: string, key: string, name: string): Promise<Submitted> {
  const client = new Client({ url, credential: key });
  const source = new Blob([new Uint8Array(tinyZip([{ name: 'readme.txt', data: Buffer.from('hello') }]))]);
  return client.builds.submit({ name, platform: 'linux', command: 'true' }, { source });
}
