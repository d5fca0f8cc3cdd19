import type { PreviewAnswer, previewSchema } from '@muster/protocol';
import type { z } from 'zod';
import { type Principal, writeAudit } from '#kernel/auth';
import { conflict, invalid, notFound } from '#kernel/base';
import { requireBot } from './access.ts';
import { effectiveOf, surroundings } from './bot-shape.ts';
import { loopRow } from './queries/bot-row.ts';
import { readAction } from './queries/records.ts';
import type { Asker, Room } from './room.ts';

/**
 * What a bot would do next; nothing is touched, and a paid mind is asked only with `spend: true`. Errors: `notFound`
 * `no_such_gallery_bot`; `invalid` `mind_unknown`; `conflict` `would_spend`.
 */
export async function previewBot(
  room: Room,
  who: Principal,
  id: string,
  input: z.output<typeof previewSchema>,
): Promise<PreviewAnswer> {
  room.auth.requireScope(who, input.spend ? 'gallery:operate' : 'gallery:read');
  const bot = await requireBot(room.db, who, id);
  const around = await surroundings(room, room.db, who.projectId, bot.personaId === null ? [] : [bot.personaId]);
  const name = input.mind ?? effectiveOf(bot, around).mind;
  if (!room.minds.knows(name)) {
    throw invalid('mind_unknown', `There is no mind ${name}.`, {
      errors: [{ pointer: '/mind', detail: 'not a mind of this server' }],
    });
  }
  if (!input.spend && room.minds.mind(name).kind === 'paid') {
    throw conflict('would_spend', `${name} is a paid mind; say spend: true, or name mind: improv.`, {
      extra: { mind: name },
    });
  }
  const steps = await room.loop.preview(loopRow(bot), {
    mind: name,
    steps: input.steps,
    spend: input.spend,
    ...(input.at === undefined ? {} : { at: Date.parse(input.at) }),
    ...(input.seed === undefined ? {} : { seed: input.seed }),
  });
  return {
    botId: id,
    mind: name,
    steps: steps.map(({ at, scene, decision, candidates, verdicts, odds, tokens, costMicros }) => ({
      at: new Date(at).toISOString(),
      candidates: [...candidates],
      odds,
      decision: { ...decision, tags: [...decision.tags] },
      svg: scene?.svg ?? null,
      verdicts: [...verdicts],
      tokens,
      costMicros,
    })),
  };
}

/** A question out of the world, answered from its memory and persona; never posted, and the bot does not remember it. */
export async function askBot(
  room: Room,
  asker: Asker,
  id: string,
  question: string,
): Promise<{ answer: string; mind: string; costMicros: number }> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  const bot = await requireBot(room.db, who, id);
  const answer = await room.loop.ask(loopRow(bot), question);
  await room.db.transaction((tx) =>
    writeAudit(tx, {
      ...asker,
      action: 'gallery.bot.ask',
      subject: id,
      after: { mind: answer.mind, costMicros: answer.costMicros },
    }),
  );
  return answer;
}

/** A new think with the decision of one that failed or was dropped. `notFound` `no_such_action`; `conflict` `action_done`. */
export async function retryAction(room: Room, asker: Asker, thoughtId: string): Promise<{ thoughtId: string }> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  const action = await readAction(room.db, who.projectId, thoughtId);
  if (!action) throw notFound('no_such_action', 'There is no such act in the ledger.');
  if (action.state === 'done' || action.state === 'open') {
    throw conflict('action_done', `The act is ${action.state}; only failed and dropped ones are done again.`, {
      extra: { state: action.state },
    });
  }
  const again = await room.loop.retry(who.projectId, thoughtId);
  await room.db.transaction((tx) =>
    writeAudit(tx, { ...asker, action: 'gallery.action.retry', subject: thoughtId, after: { thoughtId: again } }),
  );
  return { thoughtId: again };
}
