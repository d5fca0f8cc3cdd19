import { Builds } from './builds.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { Keys } from './keys.ts';
import { Queues, Workers } from './workers.ts';

/** One server seen with one credential. */
export class Client {
  readonly connection: Connection;
  readonly builds: Builds;
  readonly workers: Workers;
  readonly queues: Queues;
  readonly keys: Keys;

  constructor(options: ConnectionOptions) {
    this.connection = new Connection(options);
    this.builds = new Builds(this.connection);
    this.workers = new Workers(this.connection);
    this.queues = new Queues(this.connection);
    this.keys = new Keys(this.connection);
  }
}
