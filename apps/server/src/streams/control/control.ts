import type { Limits, Service } from '#kernel/base';
import type { RawOperation, Routes } from '#kernel/http';
import type { Telemetry } from '#kernel/telemetry';
import { declareBounds } from './bounds.ts';
import { createCatalog } from './catalog/catalog.ts';
import type { SubscriptionsDeps } from './subscriptions/deps.ts';
import type { DsCall } from './subscriptions/handle-ds.ts';
import { dsOperations } from './subscriptions/operations.ts';
import type { Box } from './subscriptions/signing-keys.ts';
import { Subscriptions } from './subscriptions/subscriptions.ts';
import { tokenRoutes } from './tokens/routes.ts';

export type ControlDeps = SubscriptionsDeps & {
  telemetry: Pick<Telemetry, 'logger' | 'metrics'>;
  /** Where bounds are listed. */
  bounds: Limits;
  secrets: ControlSecrets;
};

export type ControlSecrets = {
  /** Keeps signing keys of webhooks. */
  box: Box;
  /** Keys of wake tokens, the present one first. */
  wakeTokenKeys: readonly Uint8Array[];
};

/** What of streams is not reading and writing them: subscriptions, browser tokens, the list of streams and their rules. */
export type Control = Service & {
  /** Declares `/v1/streams…`, `/v1/stream-settings`, `/v1/stream-tokens…`, `/v1/jwks.json`. Before `http.start`. */
  routes(routes: Routes): void;
  /** What the reference says of `/v1/stream/__ds/…`. */
  readonly dsOperations: readonly RawOperation[];
  /** One call below `/v1/stream/__ds/`; errors are thrown. */
  handleDs(ds: DsCall): Promise<void>;
  /** Whether anybody may read it, by the project's own patterns. From memory. */
  isPublic(projectId: string, path: string): boolean;
};

export function createControl(deps: ControlDeps): Control {
  const { telemetry, secrets } = deps;
  const { logger, metrics } = telemetry;
  const { box, wakeTokenKeys: tokenKeys } = secrets;
  const subscriptions = new Subscriptions({ ...deps, logger, metrics, box, tokenKeys });
  const catalog = createCatalog({ ...deps, logger });
  declareBounds(deps.bounds);
  return {
    routes(routes) {
      catalog.routes(routes);
      tokenRoutes({ ...deps, metrics }, routes);
    },
    dsOperations,
    handleDs: (ds) => subscriptions.handle(ds),
    isPublic: (projectId, path) => catalog.isPublic(projectId, path),
    async start() {
      await catalog.start();
      await subscriptions.start();
    },
    async [Symbol.asyncDispose]() {
      await subscriptions[Symbol.asyncDispose]();
      await catalog[Symbol.asyncDispose]();
    },
  };
}
