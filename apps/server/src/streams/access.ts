import { covers, pathMatcher, type Scope } from '@muster/protocol';
import { type Auth, type BrowserPrincipal, defaultProjectId, type Principal, systemPrincipal } from '#kernel/auth';
import { forbidden, type MusterError, never, notFound, unauthenticated } from '#kernel/base';
import type { StreamKey, View } from '#kernel/log';
import { inProtocolWords } from './control/subscriptions/protocol-words.ts';
import type { StreamsConfig } from './limits.ts';
import type { Rooms, Shown } from './rooms.ts';

/** What is read at a path. `public`: anybody may, so shared caches may keep it. */
export type Readable = { key: StreamKey; view: View; public: boolean };

/** `append` also closes; `administer` is what changes rules: retention, TTL, bulk. */
export type WriteAct = 'append' | 'create' | 'delete' | 'administer';

const scopeOf: Record<WriteAct, Scope> = {
  append: 'streams:operate',
  create: 'streams:operate',
  delete: 'streams:admin',
  administer: 'streams:admin',
};

/**
 * Who may do what on which path (streams §10): credential × operation × prefix. Whatever can be decided from memory is
 * decided at once, without a promise; a room is asked about its own prefix.
 */
export class Access {
  readonly #auth: Pick<Auth, 'known' | 'authenticate' | 'requireScope'>;
  readonly #rooms: Rooms;
  readonly #nobody: StreamsConfig['anonymous'];
  readonly #isPublic: (projectId: string, path: string) => boolean;
  readonly #matchers = new WeakMap<BrowserPrincipal, (path: string) => boolean>();

  constructor(options: {
    auth: Pick<Auth, 'known' | 'authenticate' | 'requireScope'>;
    rooms: Rooms;
    config: Pick<StreamsConfig, 'anonymous'>;
    /** Whether anybody may read a path, by the project's own patterns. From memory. */
    isPublic: (projectId: string, path: string) => boolean;
  }) {
    this.#auth = options.auth;
    this.#rooms = options.rooms;
    this.#nobody = options.config.anonymous;
    this.#isPublic = options.isPublic;
  }

  /**
   * Whose call it is. Without a credential: nobody, in the project they name. Errors: those of `auth.authenticate`;
   * `notFound` `stream_unknown` when a credential of one project names another.
   */
  caller(
    credential: string | undefined,
    address: string | undefined,
    projectId?: string,
  ): Principal | Promise<Principal> {
    if (credential === undefined) {
      const project = projectId ?? defaultProjectId;
      return this.#nobody === 'full' ? systemPrincipal(project) : { kind: 'anonymous', projectId: project };
    }
    const known = this.#auth.known(credential, address);
    if (known) return inProject(known, projectId);
    return this.#auth.authenticate(credential, address).then((who) => inProject(who, projectId));
  }

  /**
   * What `who` reads at `path`. Errors: `unauthenticated` `no_credential`; `forbidden` `scope_missing`, `token_path`;
   * `notFound` `stream_unknown`; and what the room of a managed path says.
   */
  requireRead(who: Principal, path: string): Readable | Promise<Readable> {
    const open = this.#nobody === 'full' || this.#isPublic(who.projectId, path);
    if (!this.#rooms.manages(path)) {
      if (!open) this.#requireOwn(who, 'read', path);
      return { key: { projectId: who.projectId, path }, view: 'raw', public: open };
    }
    if (!open && who.kind === 'anonymous') throw noCredential();
    if (!open && who.kind === 'browser') this.#requireToken(who, 'read', path);
    return this.#readManaged(open ? systemPrincipal(who.projectId) : asKey(who), path, open);
  }

  async #readManaged(who: Principal, path: string, open: boolean): Promise<Readable> {
    const shown = await this.#shownBy(who, path);
    if (!shown) throw unknownStream(path);
    return { key: shown.key, view: shown.view ?? 'raw', public: open };
  }

  async #shownBy(who: Principal, path: string): Promise<Shown | undefined> {
    try {
      return await this.#rooms.roomAt(path)?.mayRead(who, path.split('/'));
    } catch (error) {
      throw inProtocolWords(error);
    }
  }

  /**
   * The stream `who` changes at `path`. Errors: `forbidden` `managed_stream`, `scope_missing`, `token_path`;
   * `unauthenticated` `no_credential`.
   */
  requireWrite(who: Principal, act: WriteAct, path: string, producerId?: string): StreamKey {
    if (who.kind === 'anonymous') throw noCredential();
    if (this.#rooms.manages(path)) {
      throw forbidden('managed_stream', `${path} belongs to a room of this server, which alone writes to it.`, {
        extra: { path },
      });
    }
    this.#requireOwn(who, act, path);
    if (who.kind === 'browser' && who.producerPrefix !== null && !producerId?.startsWith(who.producerPrefix)) {
      throw forbidden(
        'token_path',
        `This token appends as a producer whose id begins with ${JSON.stringify(who.producerPrefix)}.`,
        { extra: { producerPrefix: who.producerPrefix } },
      );
    }
    return { projectId: who.projectId, path };
  }

  /** A path that belongs to no room. */
  #requireOwn(who: Principal, act: 'read' | WriteAct, path: string): void {
    const scope = act === 'read' ? 'streams:read' : scopeOf[act];
    switch (who.kind) {
      case 'system':
        return;
      case 'key':
      case 'person':
        if (!covers(who.scopes, scope)) this.#refuseScope(who, scope);
        return;
      case 'browser':
        return this.#requireToken(who, act, path);
      case 'anonymous':
        throw noCredential();
      case 'attempt':
      case 'build':
      case 'worker':
        throw forbidden('token_path', `A ${who.kind} token reaches the streams of its own object only.`);
      default:
        return never(who);
    }
  }

  #requireToken(who: BrowserPrincipal, act: 'read' | WriteAct, path: string): void {
    const operation = act === 'read' || act === 'append' ? act : undefined;
    if (!operation || !who.operations.includes(operation))
      throw forbidden('token_path', `This token does not allow to ${act}.`, { extra: { operations: who.operations } });
    if (!this.#matcherOf(who)(path))
      throw forbidden('token_path', `This token does not reach ${path}.`, { extra: { paths: who.paths } });
    // Its maker may have lost the scope meanwhile. For a managed path the room looks at the scopes itself.
    const scope = act === 'read' ? 'streams:read' : scopeOf[act];
    if (!this.#rooms.manages(path) && !covers(who.scopes, scope)) this.#refuseScope(who, scope);
  }

  #matcherOf(who: BrowserPrincipal): (path: string) => boolean {
    let matches = this.#matchers.get(who);
    if (!matches) this.#matchers.set(who, (matches = pathMatcher(who.paths)));
    return matches;
  }

  /** Through `auth`, which counts and records it. */
  #refuseScope(who: Principal, scope: Scope): never {
    try {
      this.#auth.requireScope(who, scope);
    } catch (error) {
      throw inProtocolWords(error);
    }
    throw forbidden('scope_missing', `This needs the scope ${scope}.`, { extra: { scope } });
  }
}

export const unknownStream = (path: string): MusterError =>
  notFound('stream_unknown', `There is no stream at ${path}.`, { extra: { path } });

const noCredential = (): MusterError =>
  unauthenticated('no_credential', 'This path is not public: it needs a credential.');

function inProject(who: Principal, projectId: string | undefined): Principal {
  if (projectId === undefined || projectId === who.projectId) return who;
  throw notFound('stream_unknown', 'There is no such stream in the project of this credential.');
}

/** Rooms know keys; a browser token stands for what its maker holds now. */
const asKey = (who: Principal): Principal =>
  who.kind === 'browser'
    ? {
        kind: 'key',
        keyId: who.keyId,
        name: 'browser token',
        projectId: who.projectId,
        scopes: who.scopes,
        fromEnvironment: false,
      }
    : who;
