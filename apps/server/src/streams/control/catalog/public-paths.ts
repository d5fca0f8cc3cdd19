import { pathMatcher } from '@muster/protocol';
import { asError, type Service } from '#kernel/base';
import type { Bus } from '#kernel/bus';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import { findSettings, listSettings, type SettingsRow } from './queries.ts';

type Matches = (path: string) => boolean;
export const settingsTopic = 'streams.settings';

/**
 * What each project shows to anybody, from memory: asked on every read without a right of its own. Rows are read at start;
 * changes come as hints. A pattern sees prefixes of rooms only when it names one.
 */
export class PublicPaths implements Service {
  readonly #db: Db;
  readonly #bus: Bus;
  readonly #logger: Logger;
  readonly #isManaged: (firstSegment: string) => boolean;
  readonly #byProject = new Map<string, Matches>();
  #heard: Disposable | undefined;

  constructor(options: { db: Db; bus: Bus; logger: Logger; isManaged: (firstSegment: string) => boolean }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#logger = options.logger;
    this.#isManaged = options.isManaged;
  }

  async start(): Promise<void> {
    this.#heard ??= this.#bus.subscribe(
      settingsTopic,
      (projectId) => this.#later(this.#reload(projectId)),
      () => this.#later(this.#reloadAll()),
    );
    await this.#reloadAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#heard?.[Symbol.dispose]();
  }

  has(projectId: string, path: string): boolean {
    return this.#byProject.get(projectId)?.(path) === true;
  }

  put(row: SettingsRow): void {
    const { projectId, publicRead } = row;
    if (publicRead.length === 0) this.#byProject.delete(projectId);
    else this.#byProject.set(projectId, this.#matcherOf(publicRead));
  }

  #matcherOf(patterns: readonly string[]): Matches {
    const everywhere = pathMatcher(patterns);
    const named = pathMatcher(patterns.filter((pattern) => !firstOf(pattern).includes('*')));
    return (path) => (this.#isManaged(firstOf(path)) ? named(path) : everywhere(path));
  }

  async #reload(projectId: string): Promise<void> {
    this.put((await findSettings(this.#db, projectId)) ?? { projectId, publicRead: [], version: 0 });
  }

  async #reloadAll(): Promise<void> {
    const rows = await listSettings(this.#db);
    this.#byProject.clear();
    for (const row of rows) this.put(row);
  }

  #later(work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.#logger.warn({ error: asError(error) }, 'public paths of streams could not be read again'),
    );
  }
}

const firstOf = (path: string): string => path.split('/', 1)[0] ?? '';
