import type { Auth, RateBuckets } from '#kernel/auth';
import type { Clock } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import type { SessionCookie } from './cookie.ts';
import type { Engine } from './engine.ts';
import type { HashGate } from './passwords.ts';

/** What people and their sign-ins need from outside. */
export type PeopleDeps = {
  db: Db;
  auth: Auth;
  clock: Clock;
  logger: Logger;
  dataDir: string;
  nodeId: string;
  /** The path this server is reached below, without a last slash; empty when there is none. */
  basePath: string;
  /** Origin by which the world reaches us, when it is known. */
  publicOrigin: string | undefined;
  /** Origin and base path for links, as far as they are known now. */
  publicBase: () => string;
  /** Sign the cookies: 32 bytes each, the present one first. */
  cookieKeys: readonly Uint8Array[];
  /** Seals the secrets of authenticators. */
  box: {
    seal(plain: Uint8Array, bound: Uint8Array): Uint8Array;
    open(sealed: Uint8Array, bound: Uint8Array): Uint8Array;
  };
  /** Secret of the sign-in engine. */
  engineSecret: Uint8Array;
  /** The first administrator, where nobody is there to open a link. */
  headless: { email: string; password: string } | undefined;
};

export type PeopleRoom = PeopleDeps & {
  engine: Engine;
  gate: HashGate;
  cookie: SessionCookie;
  /** Tries by address, before any row is looked at: a flood costs the database nothing. */
  floods: RateBuckets;
  /** Refused tries that are written to the audit. */
  refusals: RateBuckets;
};

/** Where a call comes from, for rows and the audit. */
export type From = { address: string; requestId: string; userAgent?: string | undefined };
