/**
 * The public conformance suite against a server that runs already. Run by the vitest that comes inside that package
 * (`vitest.config.ts` beside this), not by ours: see `test/scenario/streams-conformance.test.ts`.
 */
import { runConformanceTests } from '@durable-streams/server-conformance-tests';

const baseUrl = process.env['CONFORMANCE_URL'];
if (baseUrl === undefined) throw new Error('CONFORMANCE_URL names the server');
runConformanceTests({ baseUrl, longPollTimeoutMs: 3000, subscriptions: true });
