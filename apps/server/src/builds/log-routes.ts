import { Readable } from 'node:stream';
import { type AppendLog, appendLogSchema, logHitsSchema, logPageSchema } from '@muster/protocol';
import { z } from 'zod';
import { invalid } from '#kernel/base';
import { answer, type Routes } from '#kernel/http';
import { buildPrincipal, requireBuild } from './access.ts';
import { appendLog } from './append-log.ts';
import { LineSearches, searchesMax } from './find-lines.ts';
import { linesMax, readLines } from './read-lines.ts';
import { asNdjson, asText, readLog, tailMax } from './read-log.ts';
import { showTelemetry } from './record-telemetry.ts';
import type { Room } from './room.ts';

const readers = { scope: 'builds:read', or: ['build', 'attempt', 'worker'] } as const;
const build = z.object({ id: z.string() });
const logQuery = z.object({
  format: z.enum(['text', 'ndjson']).default('text'),
  tail: z.coerce.number().int().min(0).max(tailMax).optional(),
  attempt: z.coerce.number().int().min(0).optional(),
});
const flag = z.enum(['true', 'false']).transform((word) => word === 'true');
const linesQuery = z.object({
  from: z.coerce.number().int().min(0).optional(),
  tail: z.coerce.number().int().min(1).max(linesMax).optional(),
  limit: z.coerce.number().int().min(1).max(linesMax).default(linesMax),
  whole: flag.default(false),
});
const findQuery = z.object({
  q: z.string().max(1_000).default(''),
  regex: flag.default(false),
  level: z.enum(['info', 'warn', 'error']).optional(),
  from: z.coerce.number().int().min(0).default(0),
  back: flag.default(false),
  limit: z.coerce.number().int().min(1).max(500).default(500),
  count: flag.default(true),
});
/** An append holds at most 1 MiB of text; JSON may double it with escapes. */
const appendBodyBytesMax = 3 * 2 ** 20;

/** The log of a build. As a stream it is read below `/v1/stream/` (`stream-room.ts`). */
export function logRoutes(room: Room): (http: Routes) => void {
  const searches = new LineSearches(room);
  room.limits.add({
    name: 'builds.logSearches',
    unit: 'count',
    value: searchesMax,
    whenFull: 'A further search in a log gets 429 log_searches_max.',
    used: () => searches.running,
  });
  return (http) => {
    http.route({
      method: 'POST',
      path: '/v1/builds/:id/log',
      auth: (head) => buildPrincipal(room, head),
      summary: 'Append lines of the attempt that holds the build',
      params: build,
      rate: 'exempt',
      accepts: { 'application/json': '{term, offset, lines: [{text, level?, source?, at?}]}' },
      answers: { 200: { description: 'Lines of the attempt so far', schema: z.object({ offset: z.number().int() }) } },
      handle: async (call) => {
        const bytes = await call.bytes({ bytesMax: appendBodyBytesMax });
        return appendLog(room, call.who, call.input.params.id, parseAppend(bytes));
      },
    });
    http.route({
      method: 'GET',
      path: '/v1/builds/:id/log',
      auth: readers,
      summary: 'Download the log as text or as one JSON record per line',
      params: build,
      query: logQuery,
      answers: { 200: { description: 'The log up to now', contentType: 'text/plain' } },
      handle: async (call) => {
        const { format, tail, attempt } = call.input.query;
        const row = await requireBuild(room, room.db, call.who, call.input.params.id, 'read');
        const records = readLog(room, row, { tail, attempt });
        const text = format === 'text';
        return answer(200, Readable.from(text ? asText(records) : asNdjson(records), { objectMode: false }), {
          'content-type': text ? 'text/plain; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
          'cache-control': 'no-store',
        });
      },
    });
    http.route({
      method: 'GET',
      path: '/v1/builds/:id/log/lines',
      auth: readers,
      summary: 'Lines of the log by number: `from` a line, or the `tail`',
      description:
        'Follow what comes after by reading `/v1/stream/builds/<id>/log` from `next`: its first record is line `total`.',
      params: build,
      query: linesQuery,
      answers: { 200: { description: 'Lines, and how many there are', schema: logPageSchema } },
      handle: async (call) => {
        const row = await requireBuild(room, room.db, call.who, call.input.params.id, 'read');
        return await readLines(room, row, call.input.query);
      },
    });
    http.route({
      method: 'GET',
      path: '/v1/builds/:id/log/find',
      auth: readers,
      summary: 'Lines of the whole log that hold a text, match an expression or have a level',
      description: '`back` goes towards the start. Without `count` the search ends with the last hit asked for.',
      params: build,
      query: findQuery,
      answers: { 200: { description: 'Where it was found', schema: logHitsSchema } },
      handle: async (call) => {
        const row = await requireBuild(room, room.db, call.who, call.input.params.id, 'read');
        return await searches.find(row, call.input.query);
      },
    });
    http.route({
      method: 'GET',
      path: '/v1/builds/:id/telemetry',
      auth: readers,
      summary: 'What the machine of a build measured, oldest first',
      params: build,
      query: z.object({ after: z.iso.datetime({ offset: true }).default('1970-01-01T00:00:00Z') }),
      handle: (call) => showTelemetry(room, call.who, call.input.params.id, new Date(call.input.query.after)),
    });
  };
}

/**
 * Output of a build is not always text. Bytes that are not UTF-8 become U+FFFD, and NUL or half a surrogate pair is left
 * for the log to repair, instead of refusing the whole append as elsewhere.
 */
function parseAppend(bytes: Buffer): AppendLog {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8').trim() || '{}');
  } catch (error) {
    throw invalid('bad_json', 'The body is not JSON.', { cause: error });
  }
  const parsed = appendLogSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues
    .slice(0, 20)
    .map((issue) => ({ pointer: `/${issue.path.map(String).join('/')}`, detail: issue.message }));
  throw invalid('invalid_body', `${errors[0]?.pointer ?? ''}: ${errors[0]?.detail ?? 'not valid'}.`, { errors });
}
