import { Readable } from 'node:stream';
import { z } from 'zod';
import { Answer } from './http.ts';
import type { AnyRoute } from './route-table.ts';

/** Tests run with this on: what a route answers must be what its reference says. */
export function checkAnswer(route: AnyRoute, result: unknown): void {
  const status = result instanceof Answer ? result.status : (route.status ?? 200);
  const schema = route.answers?.[status]?.schema;
  const body: unknown = result instanceof Answer ? result.body : result;
  if (!schema || body instanceof Readable || body instanceof Uint8Array) return;
  // As the client will see it: dates are text by then.
  const seen: unknown = JSON.parse(JSON.stringify(body ?? null));
  const checked = strict(schema).safeParse(seen);
  if (!checked.success)
    throw new Error(
      `${route.method} ${route.path} answered ${status} with something else than it declares:\n${z.prettifyError(checked.error)}`,
    );
}

const strict = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodObject && schema.def.catchall === undefined ? schema.strict() : schema;
