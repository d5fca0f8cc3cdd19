import { Accounts } from './accounts.ts';
import { Connection, type ConnectionOptions } from './base/connection.ts';
import { Builds } from './builds.ts';
import { Gallery } from './gallery.ts';
import { Keys } from './keys.ts';
import { Running } from './running.ts';
import { Stream } from './streams/stream.ts';
import { type SocketWatch, StreamSocket } from './streams/stream-socket.ts';
import { Streams } from './streams/streams.ts';
import { UsageCalls } from './usage.ts';
import { Queues, Workers } from './workers.ts';

/** One server seen with one credential. */
export class Client {
  readonly connection: Connection;
  readonly builds: Builds;
  readonly workers: Workers;
  readonly queues: Queues;
  readonly keys: Keys;
  readonly streams: Streams;
  readonly gallery: Gallery;
  readonly running: Running;
  readonly usage: UsageCalls;
  readonly accounts: Accounts;

  constructor(options: ConnectionOptions) {
    this.connection = new Connection(options);
    this.builds = new Builds(this.connection);
    this.workers = new Workers(this.connection);
    this.queues = new Queues(this.connection);
    this.keys = new Keys(this.connection);
    this.streams = new Streams(this.connection);
    this.gallery = new Gallery(this.connection);
    this.running = new Running(this.connection);
    this.usage = new UsageCalls(this.connection);
    this.accounts = new Accounts(this.connection);
  }

  /** One stream by its path; `contentType` when it is known, else it is guessed from what is appended. */
  stream(path: string, contentType?: string): Stream {
    return new Stream(this.connection, path, contentType);
  }

  /** Many streams over one connection, for pages that follow more than a few. */
  socket(watch?: SocketWatch): StreamSocket {
    return new StreamSocket(this.connection, watch);
  }
}
