import { type FileHandle, mkdir, open, readFile, realpath, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MusterError } from '@muster/protocol/errors';
import type { Entry, Kept, Outbox, Sending } from '../streams/outbox.ts';
import { lockFile } from './file-lock.ts';
import { addLine, doneLine, Holding, replay, sendLine } from './outbox-lines.ts';

export type FileOutboxOptions = {
  /** Waits for the disk before anything counts as kept, so that it outlives a loss of power too. Default true. */
  sync?: boolean;
};

/** Beyond this the file is written anew when it holds little that still counts. */
const slackBytes = 4 * 2 ** 20;

/**
 * Keeps what a producer has not sent yet in one file, so that a process that dies sends the rest after its restart, each
 * message once. One file belongs to one producer of one stream; a second process that opens it is refused
 * (`conflict` `outbox_in_use`).
 */
export function fileOutbox(path: string, options: FileOutboxOptions = {}): Outbox {
  return new FileOutbox(path, options.sync ?? true);
}

/* The file is a journal of JSON lines; `outbox-lines.ts` says which. A line that is not whole is the last thing a dying
 * process wrote and counts for nothing. */
class FileOutbox implements Outbox {
  readonly lasting = true;
  readonly #given: string;
  readonly #sync: boolean;
  #path = '';
  #file: FileHandle | undefined;
  #lock: AsyncDisposable | undefined;
  #size = 0;
  /** What the lines of the file come to. */
  #held = new Holding({ name: '' });

  constructor(path: string, sync: boolean) {
    this.#given = path;
    this.#sync = sync;
  }

  async open(name: string): Promise<Kept> {
    await mkdir(dirname(this.#given), { recursive: true });
    // The same file by another way must have the same lock.
    this.#path = join(await realpath(dirname(this.#given)), basename(this.#given));
    this.#lock = await lockFile(this.#path);
    if (!this.#lock) {
      const detail = `The outbox ${this.#given} is in use by another process.`;
      throw new MusterError('conflict', { reason: 'outbox_in_use', detail });
    }
    try {
      this.#held = await this.#recover(name);
      await this.#rewrite();
    } catch (error) {
      await this.close();
      throw error;
    }
    return this.#held.kept();
  }

  async add(entries: readonly Entry[]): Promise<void> {
    await this.#write(addLine(entries), this.#sync);
    this.#held.add(entries);
  }

  async assign(sending: Sending): Promise<void> {
    await this.#write(sendLine(sending), this.#sync);
    this.#held.send(sending);
  }

  /** Needs no sync: a request that is sent again because this was lost is known to the server by its number. */
  async settle(count: number): Promise<void> {
    await this.#write(doneLine(count), false);
    this.#held.done(count);
    if (this.#size > slackBytes + 4 * liveBytes(this.#held.entries)) await this.#rewrite();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await this.#lock?.[Symbol.asyncDispose]();
    this.#lock = undefined;
  }

  async #recover(name: string): Promise<Holding> {
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    const held = replay(text) ?? new Holding({ name });
    if (held.name === name) return held;
    throw new MusterError('conflict', {
      reason: 'outbox_differs',
      detail: `The outbox ${this.#given} belongs to ${JSON.stringify(held.name)}, not to ${JSON.stringify(name)}.`,
    });
  }

  async #write(line: string, sync: boolean): Promise<void> {
    const file = this.#file;
    if (!file) throw new Error('the outbox is closed');
    const bytes = Buffer.from(line);
    try {
      for (let written = 0; written < bytes.length; ) {
        written += (await file.write(bytes, written, bytes.length - written, this.#size + written)).bytesWritten;
      }
      if (sync) await file.datasync();
    } catch (error) {
      // Half a line in the middle would hide everything behind it.
      await file.truncate(this.#size).catch(() => this.close());
      throw error;
    }
    this.#size += bytes.length;
  }

  /** What still counts, in a new file that takes the place of the old one in one step. */
  async #rewrite(): Promise<void> {
    const text = this.#held.lines();
    const next = await open(`${this.#path}.new`, 'w+', 0o600);
    try {
      await next.writeFile(text);
      if (this.#sync) await next.sync();
      // Windows replaces no file that is open.
      await this.#file?.close();
      this.#file = undefined;
      await rename(`${this.#path}.new`, this.#path);
    } catch (error) {
      await next.close();
      throw error;
    }
    this.#file = next;
    this.#size = Buffer.byteLength(text);
    if (this.#sync) await syncFolder(dirname(this.#path));
  }
}

const liveBytes = (entries: readonly Entry[]): number => entries.reduce((sum, { message }) => sum + message.length, 0);

/** Makes a rename last. Windows has no such thing and needs none. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
