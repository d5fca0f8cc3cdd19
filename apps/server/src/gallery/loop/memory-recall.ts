import type { BotRow } from '#gallery/model';
import { type Sameness } from '#gallery/text';
import type { Db } from '#kernel/db';
import type { Memory, Relation } from './queries/memory.ts';
import {
  type LedgerKind,
  type MemoryRow,
  type RelationRow,
  readDone,
  readMemories,
  readRelations,
} from './queries/see.ts';

/** One of the acts of a bot, as later thinks need it. */
export type Done = {
  thoughtId: string;
  kind: LedgerKind;
  itemId: string | null;
  parentId: string | null;
  author: string | null;
  at: number;
};

/** What a bot knows of itself at the start of its think `thinkNo`. */
export type Recall = {
  thinkNo: number;
  /** Oldest first. */
  memories: Memory[];
  relations: Map<string, Relation>;
  /** Newest first; at most `actsMax`. */
  done: Done[];
  /** Its last texts, newest first. */
  recent: string[];
  /** Acts nobody knows the outcome of; they are looked after before anything else. */
  open: string[];
};

const recallsMax = 512;
const actsMax = 600;
const wordsMax = 200;
/** Texts a mind is shown, so that it need not repeat itself. */
const recentMax = 12;

/**
 * What bots remember, as the tables have it: read once, then written through by the close of each think. An entry holds for
 * one think number only, so whatever another owner did meanwhile is read again. The least used ones are given up.
 */
export class Recalls {
  readonly #entries = new Map<string, Recall>();
  readonly #sameness: Sameness;

  constructor(sameness: Sameness) {
    this.#sameness = sameness;
  }

  get(bot: Pick<BotRow, 'id' | 'thinkNo'>): Recall | undefined {
    const found = this.#entries.get(bot.id);
    if (!found || found.thinkNo !== bot.thinkNo || !this.#sameness.knows(bot.id)) return undefined;
    this.#entries.delete(bot.id);
    this.#entries.set(bot.id, found);
    return found;
  }

  /** Reads those that are not known, all in one go. */
  async load(db: Db, bots: readonly BotRow[]): Promise<void> {
    const missing = bots.filter((bot) => this.get(bot) === undefined);
    if (missing.length === 0) return;
    const ids = missing.map((bot) => bot.id);
    const [memories, relations, done] = await db.together((reader) =>
      Promise.all([
        readMemories(reader, ids),
        readRelations(reader, ids),
        readDone(reader, ids, { most: actsMax, words: wordsMax }),
      ]),
    );
    const memoriesOf = Map.groupBy(memories, (row) => row.botId);
    const relationsOf = Map.groupBy(relations, (row) => row.botId);
    const doneOf = Map.groupBy(done, (row) => row.botId);
    for (const bot of missing) {
      const rows = doneOf.get(bot.id) ?? [];
      const said = rows.filter((row) => row.content !== null && row.content !== '' && row.kind !== 'like');
      this.#sameness.load(
        bot.id,
        said.toReversed().flatMap(({ kind, content, prompt }) => saidBy(kind, content ?? '', prompt)),
      );
      this.#keep(bot.id, {
        thinkNo: bot.thinkNo,
        memories: (memoriesOf.get(bot.id) ?? []).map(memoryOf),
        relations: new Map((relationsOf.get(bot.id) ?? []).map((row) => [row.person, relationOf(row)])),
        done: rows.map(({ thoughtId, kind, itemId, parentId, author, openedAt }) => ({
          thoughtId,
          kind,
          itemId,
          parentId,
          author,
          at: openedAt.getTime(),
        })),
        recent: said.slice(0, recentMax).map(({ content }) => content ?? ''),
        open: rows.filter((row) => row.state === 'open').map((row) => row.thoughtId),
      });
    }
  }

  /** After a close that went through. */
  wrote(
    botId: string,
    thinkNo: number,
    change: {
      added: readonly Memory[];
      removed: ReadonlySet<string>;
      relations: readonly Relation[];
      lost: readonly string[];
      done: Done | null;
      said: string | null;
    },
  ): void {
    const entry = this.#entries.get(botId);
    if (!entry) return;
    entry.thinkNo = thinkNo;
    entry.memories = [...entry.memories, ...change.added].filter(({ id }) => !change.removed.has(id));
    for (const relation of change.relations) entry.relations.set(relation.person, relation);
    for (const person of change.lost) entry.relations.delete(person);
    if (change.done) entry.done = [change.done, ...entry.done].slice(0, actsMax);
    if (change.said !== null) entry.recent = [change.said, ...entry.recent].slice(0, recentMax);
  }

  /** What is known of this bot, or of all, is read again. */
  forget(botId?: string): void {
    if (botId === undefined) this.#entries.clear();
    else this.#entries.delete(botId);
  }

  #keep(botId: string, recall: Recall): void {
    this.#entries.delete(botId);
    this.#entries.set(botId, recall);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= recallsMax) break;
      this.#entries.delete(oldest);
      this.#sameness.forget(oldest);
    }
  }
}

/** A row of the ledger as texts to be compared, each with its own kind. */
export function saidBy(
  kind: LedgerKind,
  content: string,
  prompt: string | null,
): { kind: 'caption' | 'comment' | 'prompt'; text: string }[] {
  if (kind === 'comment' || kind === 'reply') return [{ kind: 'comment', text: content }];
  if (kind !== 'post') return [];
  return [{ kind: 'caption', text: content }, ...(prompt ? [{ kind: 'prompt' as const, text: prompt }] : [])];
}

function memoryOf({ id, kind, text, itemId, person, importance, at }: MemoryRow): Memory {
  return { id, kind, text, itemId, person, importance, at: at.getTime() };
}

function relationOf({ person, isBot, affinity, seen, exchanged, lastAt }: RelationRow): Relation {
  return { person, isBot, affinity, seen, exchanged, lastAt: lastAt.getTime() };
}
