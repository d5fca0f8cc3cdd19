/**
 * Usage: what was used and what it cost, per project, from what the capabilities wrote beside their rows. Prices are rules
 * with a day from which they count; what nobody said a price of is shown as such, never as free.
 */
import { pricesSchema, putPricesSchema, usageQuery, usageSchema } from '@muster/protocol';
import { z } from 'zod';
import type { Auth } from '#kernel/auth';
import { answer, type Http } from '#kernel/http';
import type { UsageDeps } from './deps.ts';
import { usageCsv } from './export-usage.ts';
import { usageLimits } from './limits.ts';
import { putPrices, showPrices } from './prices.ts';
import { costToday, showUsage, type TodaysCost } from './show-usage.ts';

export type { UsageDeps } from './deps.ts';
export { parsePrices } from './prices.ts';

export type UsageRoom = {
  /** Declares `/v1/usage`, `/v1/usage/export`, `/v1/prices`. Before `http.start`. */
  routes(http: Http): void;
  /** What the local today of `tz` cost so far. */
  costToday(projectId: string, tz: string): Promise<TodaysCost>;
};

export function createUsage(deps: UsageDeps & { auth: Auth }): UsageRoom {
  deps.limits.add({
    name: 'usage.rows',
    unit: 'count',
    value: usageLimits.rowsMax,
    whenFull: 'A question for usage that needs more sums gets 429 usage_too_fine.',
  });
  return {
    costToday: (projectId, tz) => costToday(deps, projectId, tz),
    routes: (http) => {
      http.route({
        method: 'GET',
        path: '/v1/usage',
        auth: 'member',
        summary: 'What the project used and what it cost',
        description:
          'In hours, or in days, weeks or months of a time zone. Without `from`: the last seven days. Meters of areas that the credential may not read are left out.',
        query: usageQuery,
        answers: { 200: { description: 'Oldest bucket first; what lies ahead is absent.', schema: usageSchema } },
        handle: ({ who, input }) => showUsage(deps, who, input.query),
      });
      http.route({
        method: 'GET',
        path: '/v1/usage/export',
        auth: 'member',
        summary: 'The same as a file',
        query: usageQuery.extend({ format: z.enum(['csv', 'json']).default('csv') }),
        answers: { 200: { description: 'CSV, or the JSON of /v1/usage.', contentType: 'text/csv' } },
        handle: async ({ who, input: { query } }) => {
          const { format, ...asked } = query;
          const usage = await showUsage(deps, who, asked);
          const named = (name: string, type: string) => ({
            'content-type': type,
            'content-disposition': `attachment; filename="${name}"`,
          });
          return format === 'json'
            ? answer(200, JSON.stringify(usage), named('usage.json', 'application/json'))
            : answer(200, usageCsv(usage), named('usage.csv', 'text/csv; charset=utf-8'));
        },
      });
      http.route({
        method: 'GET',
        path: '/v1/prices',
        auth: 'member',
        summary: 'What units of meters cost, and since when',
        answers: { 200: { description: 'The rules in force.', schema: pricesSchema } },
        handle: () => showPrices(deps, deps.db),
      });
      http.route({
        method: 'PUT',
        path: '/v1/prices',
        auth: { scope: 'accounts:admin' },
        summary: 'Put another list of prices in force',
        description: 'For whoever administers the installation, and keys of the default project with accounts:admin.',
        body: putPricesSchema,
        answers: { 200: { description: 'The rules in force now.', schema: pricesSchema } },
        handle: ({ who, address, requestId, input, ifMatch }) =>
          putPrices(deps, { who, address, requestId }, input.body.rules, ifMatch),
      });
    },
  };
}
