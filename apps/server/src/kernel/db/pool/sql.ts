import { createHash } from 'node:crypto';

/**
 * One statement: `text` with `$1…` in place of values. `name` makes it a prepared statement. A text without nested
 * statements is constant and gets one; a text put together from parts does not, its shapes would pile up in the server.
 */
export type Statement = { readonly text: string; readonly values: readonly unknown[]; readonly name?: string };

class SqlStatement implements Statement {
  readonly strings: readonly string[];
  readonly parts: readonly unknown[];
  readonly text: string;
  readonly values: readonly unknown[];
  readonly name?: string;

  constructor(strings: TemplateStringsArray, parts: readonly unknown[]) {
    this.strings = strings;
    this.parts = parts;
    if (parts.some((part) => part instanceof SqlStatement)) {
      const values: unknown[] = [];
      this.text = this.#flatten(values);
      this.values = values;
    } else {
      const constant = constantOf(strings);
      this.text = constant.text;
      this.name = constant.name;
      this.values = parts;
    }
  }

  #flatten(values: unknown[]): string {
    let text = '';
    for (const [i, string] of this.strings.entries()) {
      text += string;
      if (i >= this.parts.length) continue;
      const part = this.parts[i];
      if (part instanceof SqlStatement) text += part.#flatten(values);
      else text += `$${values.push(part)}`;
    }
    return text;
  }
}

const constants = new WeakMap<TemplateStringsArray, { text: string; name: string }>();

function constantOf(strings: TemplateStringsArray): { text: string; name: string } {
  let constant = constants.get(strings);
  if (!constant) {
    const text = strings.reduce((joined, string, i) => (i === 0 ? string : `${joined}$${i}${string}`), '');
    constant = { text, name: `q${createHash('sha256').update(text).digest('base64url').slice(0, 20)}` };
    constants.set(strings, constant);
  }
  return constant;
}

/**
 * Tagged template for SQL. Values become parameters, never text; a nested `sql` becomes part of the statement.
 *
 * A list of ids is best given as `any((select ${ids}::text[])::text[])` where the statement is a hot one: behind the inner
 * select the planner does not count the list, so every call has the same plan and Postgres keeps it. Written plainly, a
 * list of two looks cheaper than the kept plan for ten, and the statement is planned anew each time.
 *
 * @example
 * const rows = await tx.query<{ id: string }>(sql`select id from builds where state = ${state}`);
 */
export function sql(strings: TemplateStringsArray, ...parts: readonly unknown[]): Statement {
  return new SqlStatement(strings, parts);
}
