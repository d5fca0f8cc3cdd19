import type { Raster } from '#gallery/images';
import type { Auth } from '#kernel/auth';
import type { Clock, Limits } from '#kernel/base';
import type { BlobStore } from '#kernel/blobs';
import type { Bus } from '#kernel/bus';
import type { Db } from '#kernel/db';
import type { RequestHead } from '#kernel/http';
import type { Telemetry } from '#kernel/telemetry';

/** Somebody who is signed in. */
export type Person = { id: string; name: string; username: string; projectId: string };

/** Everything the gallery of our own needs from outside. */
export type SandboxDeps = {
  db: Db;
  /** For fleets of this process that live a day in seconds: where their acts are committed, and a clock that goes on. */
  fleet?: { db: Db; hurried: () => boolean; clock: Clock };
  blobs: BlobStore;
  bus: Bus;
  auth: Auth;
  clock: Clock;
  limits: Limits;
  telemetry: Telemetry;
  /** Makes PNGs of drawings, and clean PNGs of what people upload. */
  raster: Raster;
  /** Told of each act of a person, after its commit. */
  acted?: (kind: 'post' | 'comment' | 'like') => void;
  /** Who sits before this browser; by the cookie of the sign-in. */
  currentPerson(head: RequestHead): Promise<Person | undefined>;
  /** A literal service token of the default project, for clients that insist on a form of their own. It may do everything. */
  serviceToken?: string | undefined;
  /** The path this server is reached below, without a last slash; empty when there is none. */
  basePath: string;
  /** Origin and base path, when it is known how the world reaches us. */
  publicBase?: string | undefined;
  /** Signs the tokens of forms; derived from the secret of the installation. */
  csrfKey: Uint8Array;
  /** Where a person signs in; without it the pages say nothing of it. */
  signInPath?: string | undefined;
};
