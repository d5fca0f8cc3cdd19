import {
  type BotCaps,
  type BudgetForecast,
  budgetMeters,
  type GalleryBudget,
  type putBudgetSchema,
} from '@muster/protocol';
import type { z } from 'zod';
import {
  botCapDefaults,
  botScope,
  fleetCapDefaults,
  fleetScope,
  personaScope,
  targetCapDefaults,
  targetScope,
} from '#gallery/minds';
import { type Principal, writeAudit } from '#kernel/auth';
import { forbidden, invalid, must, notFound } from '#kernel/base';
import type { Reader, Tx } from '#kernel/db';
import type { BudgetLine, Caps } from '#kernel/meter';
import { noSuchPersona, requireBot } from './access.ts';
import { lockBot, writeBotCaps } from './queries/bots.ts';
import { readFleet, readTargets } from './queries/fleet.ts';
import { lockPersona, readPersona } from './queries/personas.ts';
import { hasRoom, letGo } from './raise-caps.ts';
import type { Asker, Room } from './room.ts';

/** `fleet`, `target:<id>`, `persona:<id>`, `bot:<id>`. */
type Scope = { kind: 'fleet' | 'target' | 'persona' | 'bot'; id: string };

function scopeOf(text: string): Scope {
  if (text === fleetScope) return { kind: 'fleet', id: '' };
  const [, kind, id = ''] = /^(target|persona|bot):([A-Za-z0-9_-]{1,60})$/.exec(text) ?? [];
  if (kind === 'target' || kind === 'persona' || kind === 'bot') return { kind, id };
  throw notFound('no_such_budget', 'Budgets are those of fleet, target:<id>, persona:<id> and bot:<id>.');
}

/** The caps of a scope where nobody put others. Errors when there is no such thing in the project. */
async function defaultsOf(reader: Reader, who: Principal, { kind, id }: Scope): Promise<Caps> {
  switch (kind) {
    case 'fleet':
      return fleetCapDefaults;
    case 'target': {
      const target = (await readTargets(reader, who.projectId)).find((one) => one.id === id);
      if (!target) throw notFound('no_such_target', `There is no target ${id}.`);
      return targetCapDefaults[target.kind];
    }
    case 'persona':
      if (!(await readPersona(reader, who.projectId, id))) throw noSuchPersona(id);
      return {};
    case 'bot': {
      const [bot, fleet] = await Promise.all([requireBot(reader, who, id), readFleet(reader, who.projectId)]);
      return botCapDefaults({ ...fleet?.botCaps, ...bot.caps });
    }
    default:
      return kind satisfies never;
  }
}

const keyOf = ({ kind, id }: Scope): string =>
  ({ fleet: () => fleetScope, target: targetScope, persona: personaScope, bot: botScope })[kind](id);

/** Caps, what is spent and what is reserved, by period. Errors: `notFound` `no_such_budget` and those of its thing. */
export async function showBudget(room: Room, who: Principal, text: string): Promise<GalleryBudget> {
  await room.ready(who.projectId);
  const scope = scopeOf(text);
  const defaults = await defaultsOf(room.db, who, scope);
  const lines = await room.budgets.show(room.db, who.projectId, keyOf(scope), room.clock.now(), defaults);
  return { scope: text, lines: lines.flatMap(showLine) };
}

function showLine({ measure, period, cap, spent, reserved, endsAt }: BudgetLine): ShownLine[] {
  const meter = budgetMeters.find((known) => known === measure);
  if (!meter) return [];
  return [{ meter, period, cap, spent, reserved, resetsAt: new Date(endsAt).toISOString() }];
}

/**
 * Sets caps; one below what is spent shuts at once, and what slept on one that was raised goes on at once. Errors: as `showBudget`; `forbidden` `missing_scope` for no cap at all;
 * `invalid` `bot_cap_period` for a month of a bot.
 */
export async function putBudget(
  room: Room,
  asker: Asker,
  text: string,
  { caps }: z.output<typeof putBudgetSchema>,
): Promise<GalleryBudget> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  const unlimited = caps.filter(({ cap }) => cap === null);
  if (unlimited.length > 0 && !isAdmin(room, who)) {
    throw forbidden(
      'missing_scope',
      `No cap on ${unlimited.map(({ meter }) => meter).join(', ')} needs gallery:admin.`,
      {
        extra: { scope: 'gallery:admin' },
      },
    );
  }
  await room.ready(who.projectId);
  const scope = scopeOf(text);
  await room.db.transaction(async (tx) => {
    await defaultsOf(tx, who, scope);
    if (scope.kind === 'bot') {
      const bot = must(await lockBot(tx, who.projectId, scope.id), 'the bot just found');
      await writeBotCaps(tx, bot.id, { ...bot.caps, ...botCaps(caps) }, new Date(room.clock.now()));
    } else {
      if (scope.kind === 'persona') await lockPersona(tx, who.projectId, scope.id);
      await room.budgets.putCaps(tx, who.projectId, keyOf(scope), byMeasure(caps), room.clock.now());
    }
    await goOn(room, tx, who, scope);
    await writeAudit(tx, { ...asker, action: 'gallery.budget.put', subject: text, after: { caps } });
  });
  await room.loop.changed(who.projectId, scope.kind === 'bot' ? { bots: [scope.id] } : 'all');
  return showBudget(room, who, text);
}

/** In the transaction that changed caps: whoever sleeps on them does not wait for the end of the period. */
export async function goOn(room: Room, tx: Tx, who: Principal, scope: Scope): Promise<void> {
  const now = room.clock.now();
  const lines = await room.budgets.show(tx, who.projectId, keyOf(scope), now, await defaultsOf(tx, who, scope));
  if (hasRoom(lines)) await letGo(room, tx, who.projectId, scope, now);
}

type ShownLine = GalleryBudget['lines'][number];
type GivenCap = z.output<typeof putBudgetSchema>['caps'][number];

function isAdmin(room: Room, who: Principal): boolean {
  try {
    room.auth.requireScope(who, 'gallery:admin');
    return true;
  } catch {
    return false;
  }
}

function botCaps(caps: readonly GivenCap[]): BotCaps {
  const odd = caps.findIndex(({ period, meter }) => period === 'month' || meter === 'images');
  if (odd >= 0) {
    throw invalid('bot_cap_period', 'A bot has caps of a day only, and none on images.', {
      errors: [{ pointer: `/caps/${odd}`, detail: 'a bot has caps of a day only, and none on images' }],
    });
  }
  return Object.fromEntries(caps.map(({ meter, cap }) => [meter, cap]));
}

function byMeasure(caps: readonly GivenCap[]): Caps {
  const all: Record<string, Record<string, number | null>> = {};
  for (const { meter, period, cap } of caps) all[meter] = { ...all[meter], [period]: cap };
  return all;
}

/** When each cap will be hit at the pace of the present period, soonest first. */
export async function forecastBudgets(room: Room, who: Principal): Promise<BudgetForecast> {
  await room.ready(who.projectId);
  const now = room.clock.now();
  const targets = await readTargets(room.db, who.projectId);
  const lines = await room.budgets.forecast(room.db, who.projectId, now, [
    { scope: fleetScope, caps: fleetCapDefaults },
    ...targets.map(({ id, kind }) => ({ scope: targetScope(id), caps: targetCapDefaults[kind] })),
  ]);
  return {
    at: new Date(now).toISOString(),
    lines: lines.flatMap((line) =>
      showLine(line).map((shown) => ({
        ...shown,
        scope: line.scope,
        perHour: perHour(line.spent, line.startsAt, now),
        hitsAt: line.hitsAt === null ? null : new Date(line.hitsAt).toISOString(),
      })),
    ),
  };
}

const perHour = (spent: number, startsAt: number, now: number): number =>
  Math.round((spent / Math.max(1 / 60, (now - startsAt) / 3_600_000)) * 100) / 100;
