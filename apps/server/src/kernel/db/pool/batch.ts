import type { ClientBase, Connection, Submittable } from 'pg';
import { asError, assert, must } from '#kernel/base';
import type { Row } from './db.ts';
import type { Statement } from './sql.ts';
import { type Parse, parserFor } from './wire-types.ts';
import { toWire, type WireValue } from './wire-values.ts';
import { WireWriter } from './wire-writer.ts';

/** How one statement of a batch ended. `command` is what Postgres says it did, such as `COMMIT`. */
export type Answer = { rows: Row[]; command: string } | { error: Error };

/** The columns of a statement's rows; `null` when it has none. */
type Shape = { names: readonly string[]; parsers: readonly Parse[]; empty: Row } | null;
/** Named statements a connection knows; `unsure`: it may or may not know this one, a failure came between. */
type Known = Map<string, Shape | 'unsure'>;
const knownBy = new WeakMap<Connection, Known>();

const writer = new WireWriter();

/** A statement with its values as they travel. */
export type Ready = { readonly statement: Statement; readonly values: readonly WireValue[] };

/** Throws `TypeError` for a value that has no meaning to Postgres. */
export const ready = (statement: Statement): Ready => ({ statement, values: statement.values.map(toWire) });

type Item = Ready & {
  shape: Shape | undefined;
  rows: Row[];
  /** A value that could not be read; the statement itself went well. */
  unreadable: Error | undefined;
};

/**
 * Statements that go to Postgres in one write and whose answers come back in one read. They run one after the other, each
 * on a snapshot of its own; when one fails, those behind it are not run and share its error.
 *
 *  new    – nothing is sent.
 *  flying – sent; the answers of items before `#at` are there.
 *  done   – every item has an answer; whatever else comes is ignored.
 *
 * The driver gives the connection and reads its messages (`Submittable`). What it would do besides is left out: a statement
 * this connection has run before is neither parsed nor described again.
 */
export class Batch implements Submittable {
  /** The driver puts its time limit around this. */
  callback: (error: Error | null) => void;
  readonly #items: Item[];
  readonly #answers: Answer[] = [];
  #known: Known | undefined;
  #at = 0;
  #done = false;

  constructor(statements: readonly Ready[], answered: (answers: readonly Answer[]) => void) {
    this.#items = statements.map((asked) => ({ ...asked, shape: undefined, rows: [], unreadable: undefined }));
    this.callback = (error) => {
      if (this.#done) return;
      this.#done = true;
      if (error) this.#failFrom(error);
      answered(this.#answers);
    };
  }

  submit(connection: Connection): void {
    const known = knownBy.get(connection) ?? new Map<string, never>();
    knownBy.set(connection, known);
    this.#known = known;
    const parsed = new Set<string>();
    for (const item of this.#items) {
      const { name = '', text } = item.statement;
      const shape = name === '' ? undefined : known.get(name);
      if (shape === 'unsure') writer.close(name);
      item.shape = shape === 'unsure' ? undefined : shape;
      if (item.shape === undefined && !parsed.has(name)) {
        writer.parse(name, text);
        if (name !== '') parsed.add(name);
      }
      writer.bind(name, item.values);
      if (item.shape === undefined) writer.describePortal();
      writer.execute();
    }
    // Until they are answered: a failure leaves open which of them were parsed.
    for (const name of parsed) known.set(name, 'unsure');
    writer.sync();
    connection.stream.write(writer.take());
  }

  handleRowDescription({ fields }: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#item().shape = {
      names: fields.map((field) => field.name),
      parsers: fields.map((field) => parserFor(field.dataTypeID)),
      empty: Object.fromEntries(fields.map((field) => [field.name, null])),
    };
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const item = this.#item();
    if (item.unreadable) return;
    try {
      item.rows.push(rowOf(must(item.shape, 'the columns of a row'), fields));
    } catch (error) {
      item.unreadable = asError(error);
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    const { statement, shape = null, rows, unreadable } = this.#item();
    if (statement.name !== undefined) this.#known?.set(statement.name, shape);
    this.#answers.push(unreadable ? { error: unreadable } : { rows, command: text });
    this.#at += 1;
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' });
  }

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback(null);
  }

  handlePortalSuspended(): void {
    assert(false, 'every row is asked for at once');
  }

  handleCopyInResponse(): void {
    assert(false, 'no statement of ours copies');
  }

  handleCopyData(): void {
    this.handleCopyInResponse();
  }

  #item(): Item {
    return must(this.#items[this.#at], 'the statement an answer belongs to');
  }

  #failFrom(error: Error): void {
    while (this.#answers.length < this.#items.length) this.#answers.push({ error });
  }
}

function rowOf({ names, parsers, empty }: NonNullable<Shape>, fields: readonly (string | null)[]): Row {
  const row = { ...empty };
  for (let i = 0; i < names.length; i++) {
    const text = fields[i];
    const [name, parse] = [names[i], parsers[i]];
    if (text !== null && text !== undefined && name !== undefined && parse) row[name] = parse(text);
  }
  return row;
}

/** Sends statements together and resolves with an answer for each. */
export const sendBatch = (client: ClientBase, statements: readonly Ready[]): Promise<readonly Answer[]> =>
  new Promise((resolve) => {
    client.query(new Batch(statements, resolve));
  });
