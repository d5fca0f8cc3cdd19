import { createHash } from 'node:crypto';
import { actWants } from '#gallery/minds';
import type { BotRow } from '#gallery/model';
import { type Publication } from '#gallery/model';
import { must } from '#kernel/base';
import type { ReserveOrder } from '#kernel/meter';
import { crossingsTold } from './activity.ts';
import { pileOn } from './candidates.ts';
import { Together } from './ledger-gather.ts';
import { closeBots, writeDecisions } from './queries/close.ts';
import { closeActions, type NewAction, openActions, takeBack, whyShut } from './queries/ledger.ts';
import { writeMemory } from './queries/memory.ts';
import type { Closing } from './remember.ts';
import type { ThinkingDeps } from './think-deps.ts';
import type { Ending, One } from './think-one.ts';
import { endingOf, reserveLeaseMs } from './think-reserve.ts';
import { usageOf } from './usage-of.ts';

/* The two commits around an act: the ledger row is `open` before the target hears of it, and closed with all that the think
 * leaves. Many thinks share each; every row has its own guards, so one that came too late spoils no other. */

type Commits = Pick<ThinkingDeps, 'db' | 'budgets' | 'meter' | 'tell' | 'emit' | 'clock' | 'nodeId'>;
/** `null`: opened. Else how the think ends. */
export type Opening = Together<One, Ending | null>;
/** The bot as its row is now; `undefined`: it was not this think's to write. */
export type ClosingUp = Together<Closing, BotRow | undefined>;

/** As many as a meter takes. */
const entriesAtOnce = 1_000;

export const actId = (thoughtId: string): string => `${thoughtId}:act`;

export const opening = (deps: Commits): Opening =>
  new Together((ones) =>
    deps.db.transaction(async (tx) => {
      const actions = ones.map(actionOf);
      const orders = ones.map((one) => actOrder(deps, one));
      const [opened, { grants, crossed }] = await Promise.all([
        openActions(tx, actions),
        deps.budgets.reserve(tx, orders),
      ]);
      const refused = new Map(grants.flatMap((grant) => (grant.granted ? [] : [[grant.id, grant.refused] as const])));
      const shut = actions.filter(({ thoughtId }) => !opened.has(thoughtId));
      const reasons = shut.length === 0 ? [] : await whyShut(tx, shut);
      const unused = shut.map(({ thoughtId }) => actId(thoughtId)).filter((id) => !refused.has(id));
      if (unused.length > 0) await deps.budgets.release(tx, unused);
      const taken = [...opened].filter((thoughtId) => refused.has(actId(thoughtId)));
      if (taken.length > 0) takeBack(tx, taken);
      crossingsTold(deps, tx, crossed);
      return ones.map((one): Ending | null => {
        const reason = reasons.find(({ thoughtId }) => thoughtId === one.thoughtId);
        if (reason) return shutEnding(reason);
        const caps = refused.get(actId(one.thoughtId));
        return caps ? endingOf(caps, one) : null;
      });
    }),
  );

/** Surely nothing was opened. */
function shutEnding({ exists, liked, crowded, allowed }: Awaited<ReturnType<typeof whyShut>>[number]): Ending {
  // It was done already and only its end was lost: this think is over.
  if (exists) return { result: 'dropped', reason: 'stopped', event: { type: 'ok' } };
  // A command, a gate or another owner came first; whoever it was set what comes next.
  if (!allowed) return { result: 'dropped', reason: null, event: null };
  const reason = liked ? 'already_liked' : crowded ? 'pile_on' : 'spacing';
  return { result: 'skipped', reason, event: { type: 'ok' } };
}

function actionOf(one: One): NewAction {
  const { bot, due, thoughtId, at } = one;
  const { kind, itemId, parentId, content, publication, author } = must(one.planned, 'what is to be done');
  const item = one.decided?.offer?.item;
  return {
    thoughtId,
    projectId: bot.projectId,
    botId: bot.id,
    shard: bot.shard,
    term: String(due.term),
    generation: bot.generation,
    thinkNo: one.advance === 1 ? bot.thinkNo : null,
    targetId: bot.targetId,
    kind,
    itemId,
    parentId,
    key: thoughtId,
    content,
    contentHash: content === '' ? null : createHash('sha256').update(content).digest('hex'),
    imageBlob: publication?.image.blobId ?? null,
    detail: {
      why: one.decided?.decision.why ?? '',
      mind: one.decided?.mind ?? 'odds',
      author,
      authorIsAgent: item?.author?.isAgent ?? null,
      title: item?.title ?? null,
      ...(publication ? storedOf(publication) : {}),
    },
    at,
    most: kind === 'post' ? null : kind === 'like' ? pileOn.likes : pileOn.words,
  };
}

/** What it takes to send a post once more: all but the bytes, which are a blob. */
export const storedOf = ({ image, ...rest }: Publication): Record<string, unknown> => {
  const { bytes: _, ...stored } = image;
  return { ...rest, image: stored };
};

export function publicationOf(
  detail: Readonly<Record<string, unknown>>,
  again: ThinkingDeps['pictures']['again'],
): Publication | null {
  // Written by `storedOf`.
  const stored = detail as Partial<Omit<Publication, 'image'>> & { image?: Omit<Publication['image'], 'bytes'> };
  if (!stored.image) return null;
  const { title = '', caption = '', alt = '', tags = [], prompt = '', facts = [], image } = stored;
  return { image: { ...image, ...again(image) }, title, caption, alt, tags, prompt, facts };
}

function actOrder({ nodeId }: Pick<ThinkingDeps, 'nodeId'>, one: One): ReserveOrder {
  const { bot, caps, target } = one;
  const { kind } = must(one.planned, 'what is to be done');
  const wants = actWants({ bot, caps, targetKind: target.kind, kind });
  return {
    id: actId(one.thoughtId),
    projectId: bot.projectId,
    at: one.at,
    owner: nodeId,
    leaseMs: reserveLeaseMs,
    wants,
  };
}

export const closingUp = (deps: Commits): ClosingUp =>
  new Together((closings) =>
    deps.db.transaction(async (tx) => {
      const settles = closings.flatMap((closing) => closing.settles);
      const [rows, settled] = await Promise.all([
        closeBots(
          tx,
          closings.map(({ bot }) => bot),
        ),
        settles.length === 0 ? null : deps.budgets.settle(tx, settles),
      ]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      const through = closings.filter(({ bot }) => byId.has(bot.id));
      const actions = through.flatMap(({ action }) => (action ? [action] : []));
      if (actions.length > 0) closeActions(tx, actions);
      writeDecisions(
        tx,
        through.map(({ decision }) => decision),
      );
      writeMemory(tx, {
        added: through.flatMap(({ bot, added }) => added.map((memory) => ({ ...memory, botId: bot.id }))),
        removed: through.flatMap(({ removed }) => removed.map(({ id }) => id)),
        used: through.flatMap(({ used }) => used),
        relations: through.flatMap(({ bot, relations }) =>
          relations.map((relation) => ({ ...relation, botId: bot.id })),
        ),
        lost: through.flatMap(({ bot, lost }) => lost.map(({ person }) => ({ botId: bot.id, person }))),
      });
      const moved = through.flatMap(({ bot, moved }) =>
        moved && byId.get(bot.id)?.state === moved.to && byId.get(bot.id)?.generation === bot.generation ? [moved] : [],
      );
      const happenings = [
        ...through.flatMap((closing) => closing.happenings),
        ...moved.flatMap(({ happening }) => (happening ? [happening] : [])),
      ];
      if (happenings.length > 0) deps.tell(tx, happenings);
      const events = [...through.flatMap((closing) => closing.events), ...moved.map(({ event }) => event)];
      if (events.length > 0) deps.emit(tx, events);
      if (settled) crossingsTold(deps, tx, settled.crossed);
      const used = usageOf(through);
      for (let at = 0; at < used.length; at += entriesAtOnce)
        await deps.meter?.record(tx, used.slice(at, at + entriesAtOnce));
      return closings.map(({ bot }) => byId.get(bot.id));
    }),
  );

/** Of thinks that are put off after they have cost something. */
export const settling = (
  deps: Pick<Commits, 'db' | 'budgets' | 'tell' | 'emit' | 'clock'>,
): Together<Closing['settles'][number], undefined> =>
  new Together((settles) =>
    deps.db.transaction(async (tx) => {
      const { crossed } = await deps.budgets.settle(tx, settles);
      crossingsTold(deps, tx, crossed);
      return settles.map(() => undefined);
    }),
  );
