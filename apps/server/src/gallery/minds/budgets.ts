import type { ActKind, BotCaps } from '@muster/protocol';
import type { BotRow, Bound } from '#gallery/model';
import type { Caps, Period, Want } from '#kernel/meter';

/** What the gallery's caps count. `comments` are comments and replies, `money` is micros, `images` paid pictures. */
export const galleryMeasures = [
  'acts',
  'posts',
  'comments',
  'likes',
  'money',
  'tokensIn',
  'tokensOut',
  'images',
] as const;
export type GalleryMeasure = (typeof galleryMeasures)[number];

/** The caps where nobody put any (those of bots: `fleet.botCaps`, per UTC day). */
export const fleetCapDefaults: Caps = {
  money: { day: 5_000_000, month: 50_000_000 },
  tokensIn: { day: 5_000_000 },
  tokensOut: { day: 700_000 },
  images: { day: 200 },
};
export const targetCapDefaults = {
  sandbox: { acts: { day: 200_000 } },
  floimg: { acts: { day: 2_000 }, posts: { day: 200 } },
} as const satisfies Record<string, Caps>;

export const fleetScope = 'fleet';
export const targetScope = (id: string): string => `target:${id}`;
export const personaScope = (id: string): string => `persona:${id}`;
export const botScope = (id: string): string => `bot:${id}`;

/** A bot's caps in the form of the budgets: days only. */
export const botCapDefaults = (caps: BotCaps): Caps =>
  Object.fromEntries(Object.entries(caps).map(([measure, day]) => [measure, { day: day ?? null }]));

type Of = Pick<BotRow, 'id' | 'targetId' | 'personaId'>;

/** What a paid think reserves, in every scope that has a say: bot, persona, target, fleet. */
export function mindWants({ bot, caps, bound }: { bot: Of; caps: BotCaps; bound: Bound }): Want[] {
  const { costMicros, tokensIn, tokensOut, images } = bound;
  return wantsOf(bot, caps, {}, { money: costMicros, tokensIn, tokensOut, images });
}

/** What an act reserves with its `open`; browsing is free. */
export function actWants({
  bot,
  caps,
  targetKind,
  kind,
}: {
  bot: Of;
  caps: BotCaps;
  targetKind: keyof typeof targetCapDefaults;
  kind: ActKind;
}): Want[] {
  if (kind === 'browse') return [];
  const measure = kind === 'post' ? 'posts' : kind === 'like' ? 'likes' : 'comments';
  return wantsOf(bot, caps, targetCapDefaults[targetKind], { acts: 1, [measure]: 1 });
}

function wantsOf(
  { id, targetId, personaId }: Of,
  botCaps: BotCaps,
  targetCaps: Caps,
  amounts: Readonly<Partial<Record<GalleryMeasure, number>>>,
): Want[] {
  const scopes: { scope: string; caps: Caps; periods?: Period[] }[] = [
    { scope: botScope(id), caps: botCapDefaults(botCaps), periods: ['day'] },
    ...(personaId === null ? [] : [{ scope: personaScope(personaId), caps: {} }]),
    { scope: targetScope(targetId), caps: targetCaps },
    { scope: fleetScope, caps: fleetCapDefaults },
  ];
  return scopes.flatMap(({ scope, caps, periods }) =>
    Object.entries(amounts).flatMap(([measure, amount]) =>
      amount === 0
        ? []
        : [
            {
              scope,
              measure,
              amount,
              ...(periods ? { periods } : {}),
              ...(caps[measure] ? { defaults: caps[measure] } : {}),
            },
          ],
    ),
  );
}
