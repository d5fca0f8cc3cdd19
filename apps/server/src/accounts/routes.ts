import {
  apiKeySchema,
  auditSchema,
  idSchema,
  keyMeSchema,
  keyRequestSchema,
  keyWithSecretSchema,
  listedKeySchema,
  pageOf,
  pageQuery,
  personMeSchema,
} from '@muster/protocol';
import { z } from 'zod';
import { type Principal } from '#kernel/auth';
import { answer, type Routes } from '#kernel/http';
import { createKey } from './create-key.ts';
import type { AccountsDeps } from './deps.ts';
import { exportAudit, listAudit } from './list-audit.ts';
import type { People } from './people/index.ts';
import { revokeKey } from './revoke-key.ts';
import { rotateKey } from './rotate-key.ts';
import { limitShape, newKeyBody, rotateBody, showKey } from './shapes.ts';
import { viewRoutes } from './view-routes.ts';

const keyParams = z.strictObject({ id: idSchema('key') });
const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const auditQuery = pageQuery.extend({
  of: z
    .enum(['project', 'installation'])
    .default('project')
    .describe('`installation`: what concerns no project, for those who look after it.'),
  action: z.string().max(100).optional(),
  subject: z.string().max(100).optional(),
  actor: z.string().max(100).optional(),
  outcome: z.enum(['done', 'refused']).optional(),
  since: moment.optional(),
  until: moment.optional(),
});

/** `/v1/me`, `/v1/limits`, `/v1/keys`, `/v1/views`, `/v1/audit`. */
export function accountsRoutes(deps: AccountsDeps, people: Pick<People, 'me'>, routes: Routes): void {
  routes.route({
    method: 'GET',
    path: '/v1/me',
    auth: 'member',
    summary: 'Who the credential is',
    answers: { 200: { description: 'The key, or the person.', schema: z.union([keyMeSchema, personMeSchema]) } },
    handle: (call) => (call.who.kind === 'key' ? showMe(call.who) : people.me(call)),
  });

  routes.route({
    method: 'GET',
    path: '/v1/limits',
    auth: 'member',
    summary: 'Every limit with its present use',
    answers: {
      200: { description: 'All limits of this node.', schema: z.strictObject({ items: z.array(limitShape) }) },
    },
    handle: () => ({ items: deps.limits.list() }),
  });

  routes.route({
    method: 'GET',
    path: '/v1/keys',
    auth: { scope: 'accounts:admin' },
    summary: 'API keys of the project',
    query: pageQuery,
    answers: { 200: { description: 'Newest first.', schema: pageOf(listedKeySchema) } },
    handle: async ({ who, input: { query } }) => {
      const page = await deps.auth.listKeys(deps.db, who.projectId, {
        limit: query.limit,
        ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
      });
      const counts = await deps.auth.countUses(
        deps.db,
        page.items.map(({ id }) => id),
      );
      const requestsOf = (id: string) => {
        const { total = 0, failed = 0 } = counts.find(({ keyId }) => keyId === id) ?? {};
        return { total, failed };
      };
      return { ...page, items: page.items.map((row) => ({ ...showKey(row), requests: requestsOf(row.id) })) };
    },
  });

  routes.route({
    method: 'GET',
    path: '/v1/keys/:id/requests',
    auth: { scope: 'accounts:admin' },
    summary: 'The last calls of a key',
    description:
      'Of the last day, seconds old. All are counted in the list of keys; here a few of every ten seconds are kept, failed ones besides.',
    params: keyParams,
    query: pageQuery,
    answers: { 200: { description: 'Newest first.', schema: pageOf(keyRequestSchema) } },
    handle: async ({ who, input: { params, query } }) => {
      const { limit, cursor } = query;
      const page = { limit, ...(cursor === undefined ? {} : { cursor }) };
      const { items, nextCursor } = await deps.auth.listUses(deps.db, who.projectId, params.id, page);
      return { nextCursor, items: items.map((use) => ({ ...use, id: String(use.id), at: use.at.toISOString() })) };
    },
  });

  routes.route({
    method: 'POST',
    path: '/v1/keys',
    auth: { scope: 'accounts:admin' },
    summary: 'Make an API key',
    body: newKeyBody,
    status: 201,
    answers: { 201: { description: 'The key, with its secret this one time.', schema: keyWithSecretSchema } },
    handle: (call) => createKey(deps, call, call.input.body, call.once()),
  });

  routes.route({
    method: 'POST',
    path: '/v1/keys/:id/rotate',
    auth: { scope: 'accounts:admin' },
    summary: 'Give a key a new secret',
    params: keyParams,
    body: rotateBody,
    answers: { 200: { description: 'The key, with its new secret this one time.', schema: keyWithSecretSchema } },
    handle: (call) =>
      rotateKey(deps, call, { keyId: call.input.params.id, overlapMs: call.input.body.overlapMs }, call.once()),
  });

  routes.route({
    method: 'POST',
    path: '/v1/keys/:id/revoke',
    auth: { scope: 'accounts:admin' },
    summary: 'End a key',
    params: keyParams,
    answers: { 200: { description: 'The revoked key.', schema: apiKeySchema } },
    handle: (call) => revokeKey(deps, call, call.input.params.id),
  });

  viewRoutes(deps, routes);

  routes.route({
    method: 'GET',
    path: '/v1/audit',
    auth: { scope: 'accounts:admin' },
    summary: 'Who did what in the project',
    description:
      'With `Accept: application/x-ndjson` everything that fits the filter, one object per line, at most 100,000.',
    query: auditQuery,
    answers: { 200: { description: 'Newest first.', schema: pageOf(auditSchema) } },
    handle: (call) => {
      const { limit, cursor, ...filter } = call.input.query;
      if (call.headers.accept?.includes('application/x-ndjson') === true) {
        return answer(200, exportAudit(deps, call, filter), {
          'content-type': 'application/x-ndjson',
          'content-disposition': 'attachment; filename="audit.ndjson"',
        });
      }
      return listAudit(deps, call, filter, { limit, cursor });
    },
  });
}

const showMe = (who: Extract<Principal, { kind: 'key' }>): z.output<typeof keyMeSchema> => ({
  kind: who.kind,
  id: who.keyId,
  name: who.name,
  projectId: who.projectId,
  scopes: [...who.scopes],
});
