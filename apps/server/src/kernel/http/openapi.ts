import { httpStatusOf } from '@muster/protocol';
import { z } from 'zod';
import type { AuthRule } from './http.ts';
import type { Documented } from './route-table.ts';

type Json = Record<string, unknown>;

const problem = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'reason', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'One plain sentence.' },
    code: { enum: Object.keys(httpStatusOf) },
    reason: { type: 'string', description: 'Stable word a program may branch on.' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      maxItems: 20,
      items: { type: 'object', properties: { pointer: { type: 'string' }, detail: { type: 'string' } } },
    },
    retryAfterMs: { type: 'number' },
  },
};

/** The OpenAPI 3.1 document of all routes that are not hidden. */
export function openapiOf(routes: readonly Documented[], version: string, serverUrl: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    if (route.hidden) continue;
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{rest}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, path) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Muster',
      version,
      description: 'One control plane for fleets of software that acts on its own.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl }],
    tags: [...new Set(routes.filter((route) => !route.hidden).map(tagOf))].sort().map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key (mst_…) or a run token (wkt_…, bld_…).' },
        signIn: {
          type: 'apiKey',
          in: 'cookie',
          name: 'muster_session',
          description: 'Somebody who signed in, from pages of this server.',
        },
      },
      schemas: { Problem: problem },
      responses: {
        Problem: {
          description: 'What went wrong, as problem details (RFC 9457).',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  };
}

function operationOf(route: Documented, path: string): Json {
  const known = route.answers ?? {};
  const answers: Json = Object.fromEntries(
    Object.entries(known).map(([status, { description, schema, contentType }]) => [
      status,
      {
        description,
        ...(schema || contentType
          ? { content: { [contentType ?? 'application/json']: schema ? { schema: jsonSchema(schema, 'output') } : {} } }
          : {}),
      },
    ]),
  );
  if (Object.keys(known).length === 0) answers[String(route.status ?? 200)] = { description: 'Done.' };
  const parameters = [...fields(route.query, 'query'), ...pathFields(route, path), ...fields(route.headers, 'header')];
  const content = {
    ...(route.body ? { 'application/json': { schema: jsonSchema(route.body, 'input') } } : {}),
    ...Object.fromEntries(
      Object.entries(route.accepts ?? {}).map(([type, description]) => [
        type,
        { schema: { type: 'string', format: 'binary', description } },
      ]),
    ),
  };
  return {
    operationId: `${route.method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: route.summary,
    tags: [tagOf(route)],
    ...describe(route),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(Object.keys(content).length > 0 ? { requestBody: { content } } : {}),
    responses: { ...answers, default: { $ref: '#/components/responses/Problem' } },
    security: securityOf(route.auth),
  };
}

function securityOf(auth: AuthRule): Json[] {
  if (auth === 'open') return [];
  const forPeople =
    auth === 'member' || typeof auth === 'function' || (typeof auth === 'object' && auth.people !== false);
  return [{ bearer: [] }, ...(forPeople ? [{ signIn: [] }] : [])];
}

const tagOf = (route: Documented): string => /^\/v1\/([a-z-]+)/.exec(route.path)?.[1] ?? 'server';

function describe(route: Documented): Json {
  const rule = needOf(route.auth);
  const text = [route.description, rule].filter((part) => part !== undefined).join('\n\n');
  return text === '' ? {} : { description: text };
}

function needOf(auth: AuthRule): string | undefined {
  if (auth === 'open' || typeof auth === 'function') return undefined;
  if (auth === 'key') return 'Needs any valid API key.';
  if (auth === 'member') return 'Needs any valid API key, or a sign-in.';
  if (typeof auth === 'string') return `Needs a ${auth} token.`;
  const others = auth.or ? `, or a token of kind ${auth.or.join(', ')}` : '';
  return `Needs the scope \`${auth.scope}\`${others}.`;
}

function fields(schema: z.ZodType | undefined, where: 'query' | 'path' | 'header'): Json[] {
  if (!(schema instanceof z.ZodObject)) return [];
  const whole = jsonSchema(schema, 'input');
  const properties = (whole['properties'] ?? {}) as Record<string, Json>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- made by z.toJSONSchema
  const required = new Set(Array.isArray(whole['required']) ? whole['required'] : []);
  return Object.entries(properties).map(([name, inner]) => ({
    name,
    in: where,
    required: where === 'path' || required.has(name),
    ...(typeof inner['description'] === 'string' ? { description: inner['description'] } : {}),
    schema: inner,
  }));
}

function pathFields(route: Documented, path: string): Json[] {
  const typed = fields(route.params, 'path');
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? '');
  return names.map(
    (name) =>
      typed.find((field) => field['name'] === name) ?? { name, in: 'path', required: true, schema: { type: 'string' } },
  );
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const made: Json = {
    ...z.toJSONSchema(schema, {
      io,
      target: 'draft-2020-12',
      unrepresentable: 'any',
      // Dates leave as ISO text.
      override: ({ zodSchema, jsonSchema: out }) => {
        if (zodSchema instanceof z.ZodDate) Object.assign(out, { type: 'string', format: 'date-time' });
      },
    }),
  };
  delete made['$schema'];
  return made;
}
