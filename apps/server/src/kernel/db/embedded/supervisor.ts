import { join } from 'node:path';
import { asError, type Clock, type Service, unavailable } from '#kernel/base';
import type { Connection } from '../pool/connection.ts';
import { type DbLogger, silentLogger } from '../pool/logger.ts';
import { findRunning } from './adopt.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { type Durability, ensureDatabase, readDurability } from './check.ts';
import { keepChoice, recordChoice } from './choice.ts';
import { hasCluster, refuseOtherVersion } from './cluster-version.ts';
import { lengthOf, writtenPort } from './identity.ts';
import { clusterPaths, initialise, readPassword } from './initialise.ts';
import { clusterHome, rememberHome } from './location.ts';
import type { DataLock } from './lock.ts';
import { rotateOutput } from './output.ts';
import { connectionTo, launch, type Postmaster, waitUntilReady } from './postmaster.ts';
import { refusal } from './refusal.ts';
import { RestartBudget } from './restart-budget.ts';
import {
  hasLittleSharedMemory,
  type PostgresSettings,
  postgresSettings,
  settingsMark,
  thisMachine,
} from './settings.ts';
import { type Endpoint, socketEndpoint } from './socket-folder.ts';
import { isGone, stopPostmaster } from './stop.ts';
import { type ServerUser, serverUser } from './user.ts';

export type EmbeddedOptions = {
  dataDir: string;
  /** Proof that this process is the only server of `dataDir`. */
  lock: Pick<DataLock, 'isHeld'>;
  /** Size of the pool that will connect; Postgres allows 20 more. */
  poolMax: number;
  clock: Clock;
  logger?: DbLogger;
  /** How long a start, crash recovery included, may take (`MUSTER_DB_START_TIMEOUT_MS`). */
  startTimeoutMs?: number;
  /** Who Postgres runs as when we are root (`MUSTER_POSTGRES_USER`). */
  postgresUser?: string;
  /** Other places for clusters that cannot lie in the data folder; for tests. */
  elsewhere?: readonly string[];
  /** Other programs than the installed package's; for tests. */
  packaged?: string | false;
  /** Other folders to look for a Postgres of the machine; for tests. */
  system?: readonly string[];
};

export type EmbeddedState = {
  phase: 'new' | 'starting' | 'running' | 'restarting' | 'failed' | 'stopped';
  /** What it waits for or what went wrong, in a sentence. */
  detail?: string;
};

type Cluster = {
  home: string;
  endpoint: Endpoint;
  binaries: Binaries;
  user: ServerUser;
  settings: PostgresSettings;
  password: string;
};

export const databaseName = 'muster';
const tendEveryMs = 1_000;
const rotateEveryMs = 60_000;

/**
 * The Postgres that comes with Muster, looked after for the life of this process.
 *  new        – nothing runs.
 *  starting   – finding, making, adopting or launching the cluster; recovery is waited for.
 *  running    – it answered and was checked; its process is looked at each second.
 *  restarting – it died by itself; started again at most 5 times in 10 minutes. `/ready` is 503 meanwhile.
 *  failed     – the start was refused; `detail` says why. Disposal still works.
 *  stopped    – told to end by us. It ended, or was left for the next start after 30 s. Never left.
 */
export class EmbeddedPostgres implements Service {
  readonly #options: EmbeddedOptions & { logger: DbLogger; startTimeoutMs: number };
  #state: EmbeddedState = { phase: 'new' };
  #cluster: Cluster | undefined;
  #postmaster: Postmaster | undefined;
  #durability: Durability | undefined;
  #tending: Disposable | undefined;
  #rotatedAt = 0;
  #lockLost = false;
  readonly #restarts: RestartBudget;
  readonly #abort = new AbortController();
  #started: Promise<void> | undefined;
  #working: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: EmbeddedOptions) {
    this.#options = {
      ...options,
      logger: options.logger ?? silentLogger,
      startTimeoutMs: options.startTimeoutMs ?? 120_000,
    };
    this.#restarts = new RestartBudget(options.clock);
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  state(): EmbeddedState {
    return this.#state;
  }

  /** What the running server was checked to do before it says "written"; known after `start`. */
  durability(): Durability | undefined {
    return this.#durability;
  }

  /** Where to connect; known after `start`. */
  connection(): Extract<Connection, { host: string }> {
    const cluster = this.#known();
    return connectionTo(cluster.endpoint, cluster.password, databaseName);
  }

  /** Version and folder, for the start's report and `/health`. */
  describe(): { version: string; source: Binaries['source']; home: string; adopted: boolean } {
    const { binaries, home } = this.#known();
    return { version: binaries.version, source: binaries.source, home, adopted: this.#postmaster?.adopted ?? false };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    this.#state = { phase: 'starting' };
    try {
      this.#cluster = await this.#prepare();
      await this.#bringUp(this.#cluster);
    } catch (error) {
      this.#state = { phase: 'failed', detail: asError(error).message };
      throw error;
    }
  }

  async #prepare(): Promise<Cluster> {
    const { dataDir, logger, poolMax, postgresUser, elsewhere } = this.#options;
    const recorded = await keepChoice(dataDir, 'embedded');
    const user = await serverUser(postgresUser);
    if (user.uid !== undefined)
      logger.warn({ user: user.name }, `running as root; Postgres itself runs as "${user.name}"`);
    const machine = await thisMachine();
    const { packaged, system } = this.#options;
    const binaries = await findBinaries({
      user,
      cacheDir: join(dataDir, 'cache'),
      packaged,
      ...(system ? { system } : {}),
    });
    const home = await clusterHome({ dataDir, user, logger, ...(elsewhere ? { elsewhere } : {}) });
    await refuseOtherVersion(home, binaries);
    if (!(await hasCluster(home))) {
      if (recorded) throw clusterLost(recorded.where);
      logger.info({ home }, 'making a database');
      await initialise({
        home,
        binaries,
        user,
        clock: this.#options.clock,
        littleSharedMemory: hasLittleSharedMemory(machine),
      });
    }
    await rememberHome(dataDir, home, logger);
    await recordChoice(dataDir, { kind: 'embedded', where: home });
    const endpoint = await socketEndpoint(home, user);
    const settings = postgresSettings(poolMax, machine);
    return { home, endpoint, binaries, user, settings, password: await readPassword(home) };
  }

  /** Adopts or launches, and returns when the server answers and was checked. */
  async #bringUp(cluster: Cluster): Promise<void> {
    if (!this.#options.lock.isHeld()) throw lockLost();
    const { clock, logger, startTimeoutMs } = this.#options;
    const paths = clusterPaths(cluster.home);
    if (!cluster.endpoint.folder) cluster.endpoint.port = (await writtenPort(paths.data)) ?? cluster.endpoint.port;
    const connection = connectionTo(cluster.endpoint, cluster.password, 'postgres');
    const began = clock.monotonic();
    const mark = settingsMark(cluster.settings);
    const running = await findRunning({
      ...cluster,
      connection,
      mark,
      timeoutMs: startTimeoutMs,
      clock,
      logger,
      signal: this.#abort.signal,
    });
    const logFrom = await lengthOf(paths.log);
    this.#postmaster = running ?? (await launch(cluster));
    this.#postmaster.child?.once('exit', () => this.#lookAfter());
    await waitUntilReady({
      connection,
      postmaster: this.#postmaster,
      logPath: paths.log,
      logFrom,
      timeoutMs: startTimeoutMs,
      clock,
      signal: this.#abort.signal,
      progress: (waitedMs, lastLine) => logger.info({ waitedMs, lastLine }, 'waiting for the database to get ready'),
    });
    this.#durability = await readDurability(connection);
    await ensureDatabase(connection, databaseName);
    this.#state = { phase: 'running' };
    const { pid, adopted } = this.#postmaster;
    logger.info(
      { pid, adopted, version: cluster.binaries.version, tookMs: clock.monotonic() - began },
      'database is up',
    );
    this.#tend();
  }

  /** Looks each second whether the process lives, and keeps its output short. */
  #tend(): void {
    this.#tending?.[Symbol.dispose]();
    if (this.#stopped) return;
    this.#tending = this.#options.clock.after(tendEveryMs, () => {
      const cluster = this.#known();
      const now = this.#options.clock.monotonic();
      if (now - this.#rotatedAt >= rotateEveryMs) {
        this.#rotatedAt = now;
        void rotateOutput(clusterPaths(cluster.home).log).catch((error: unknown) =>
          this.#options.logger.warn({ err: asError(error) }, 'the output of the database could not be rotated'),
        );
      }
      this.#lookAfter();
      if (!this.#lockLost && !this.#options.lock.isHeld()) {
        this.#lockLost = true;
        this.#options.logger.error(
          {},
          'server.sock was removed from the data folder: another server could start there',
        );
      }
      this.#tend();
    });
  }

  /** Something happened to the server, or a second passed: is its process still there? */
  #lookAfter(): void {
    if (this.#stopped || this.#state.phase !== 'running' || !this.#postmaster) return;
    if (!isGone(this.#postmaster, this.#known())) return;
    this.#state = { phase: 'restarting', detail: 'The database ended by itself and is started again.' };
    this.#options.logger.error({ pid: this.#postmaster.pid }, 'the database ended by itself; starting it again');
    this.#working = this.#restart();
  }

  async #restart(): Promise<void> {
    const { clock, logger } = this.#options;
    const cluster = this.#known();
    while (!this.#stopped) {
      try {
        await clock.sleep(this.#restarts.delayMs(), this.#abort.signal);
        this.#restarts.spend();
        await this.#bringUp(cluster);
        return;
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        this.#state = { phase: 'restarting', detail: asError(error).message };
        logger.error({ err: asError(error) }, 'the database could not be started again');
      }
    }
  }

  async #stop(): Promise<void> {
    this.#abort.abort(new Error('the server is stopping'));
    this.#tending?.[Symbol.dispose]();
    await this.#started?.catch(() => undefined);
    await this.#working;
    const { clock, logger } = this.#options;
    if (this.#cluster && this.#postmaster) await stopPostmaster(this.#postmaster, this.#cluster, clock, logger);
    this.#state = { phase: 'stopped' };
  }

  #known(): Cluster {
    if (!this.#cluster) throw unavailable('store_down', 'The database is not started.', { retryAfterMs: 2_000 });
    return this.#cluster;
  }
}

const clusterLost = (where: string): Error =>
  refusal(
    'postgres_cluster_missing',
    `The database of this data folder was in ${where}, and it is not there any more.`,
    'Bring it back or restore a backup; only to start empty, remove database.json from the data folder.',
  );

const lockLost = (): Error =>
  refusal(
    'data_folder_in_use',
    'The socket that keeps other servers out of the data folder was removed.',
    'Start the server again; do not remove server.sock while one runs.',
  );
