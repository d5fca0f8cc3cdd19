import type { Persona, PersonaPreviewed } from '@muster/protocol';
import { drawScene } from '#gallery/images';
import { createImprov } from '#gallery/minds';
import { type Candidate, type Decision, drawsOf, type Situation } from '#gallery/model';
import { checkPersona, type DrawnBot, drawBot } from '#gallery/personas';
import type { Principal } from '#kernel/auth';
import { renamed } from './bot-input.ts';
import type { Room } from './room.ts';

/** So many bots are made up. */
const madeUp = 3;
const never = new AbortController().signal;

/**
 * What bots of a persona would be called, draw and say, saved or not: the offline mind speaks, nothing is kept. Errors:
 * `invalid` with pointers, those of a persona that is saved.
 */
export async function previewPersona(
  room: Room,
  who: Principal,
  input: { persona: unknown; seed: number },
): Promise<PersonaPreviewed> {
  room.auth.requireScope(who, 'gallery:read');
  const persona = checked(input.persona);
  const bots = Array.from({ length: madeUp }, (_, index) => drawBot({ seed: input.seed, index, personas: [persona] }));
  const shown = await Promise.all(bots.map((bot) => postOf(persona, bot)));
  return {
    bots: await Promise.all(
      shown.map(async (own, at) => {
        // Each speaks of what the next one shows.
        const other = shown[(at + 1) % shown.length] ?? own;
        const { bot, decision, scene } = own;
        return {
          name: bot.name,
          username: usernameOf(bot),
          tier: bot.traits.tier ?? persona.tier,
          post:
            decision.do === 'post'
              ? {
                  prompt: decision.prompt,
                  caption: decision.caption,
                  alt: scene?.alt ?? decision.alt,
                  tags: [...decision.tags],
                }
              : null,
          svg: scene?.svg ?? null,
          comment: await textOf(persona, bot, other, 'comment'),
          reply: await textOf(persona, bot, other, 'reply'),
        };
      }),
    ),
  };
}

function checked(body: unknown): Persona {
  try {
    return checkPersona(body);
  } catch (error) {
    throw renamed(error);
  }
}

type Shown = { bot: DrawnBot; decision: Decision; scene: ReturnType<typeof drawScene> | null };

const improv = createImprov();

async function postOf(persona: Persona, bot: DrawnBot): Promise<Shown> {
  const situation = situationOf(persona, bot, { wanted: { kind: 'post', why: 'preview' } });
  const { decision } = await improv.think(situation, { draws: drawsOf('preview', bot.seed, 'post'), signal: never });
  const family = decision.family === 'qr' ? 'pattern' : decision.family;
  const scene =
    decision.do === 'post' && family ? drawScene({ family, seed: bot.seed, prompt: decision.prompt }) : null;
  return { bot, decision, scene };
}

async function textOf(
  persona: Persona,
  bot: DrawnBot,
  other: Shown,
  kind: 'comment' | 'reply',
): Promise<string | null> {
  const situation = situationOf(persona, bot, {
    wanted: { kind, on: 0, why: 'preview' },
    candidates: [candidateOf(other, kind)],
  });
  const { decision } = await improv.think(situation, { draws: drawsOf('preview', bot.seed, kind), signal: never });
  return decision.text === '' ? null : decision.text;
}

function candidateOf({ bot, decision, scene }: Shown, kind: 'comment' | 'reply'): Candidate {
  const username = usernameOf(bot);
  const text = 'How did you come to this one?';
  return {
    itemId: 'preview',
    kind: kind === 'reply' ? 'reply' : 'item',
    title: decision.caption,
    caption: decision.caption,
    facts: scene?.facts.map((fact) => fact.text) ?? [],
    tags: [...decision.tags],
    author: username,
    authorIsAgent: true,
    ageHours: 1,
    thread: kind === 'reply' ? [{ author: username, isAgent: true, own: false, text }] : [],
    ...(kind === 'reply' ? { answers: { commentId: 'preview', username, text } } : {}),
    liked: false,
    score: 1,
  };
}

function situationOf(
  persona: Persona,
  bot: DrawnBot,
  more: Pick<Situation, 'wanted'> & { candidates?: Candidate[] },
): Situation {
  return {
    botId: 'preview',
    name: bot.name,
    username: usernameOf(bot),
    persona,
    personality: persona.personality,
    vibe: persona.vibe,
    interests: persona.interests,
    style: bot.traits.style ?? persona.style,
    language: persona.language,
    local: { hour: 15, weekday: 3 },
    odds: persona.odds,
    memories: [],
    recent: [],
    families: persona.recipes,
    candidates: [],
    ...more,
  };
}

const usernameOf = (bot: DrawnBot): string => {
  for (const username of bot.usernames()) return username;
  return bot.personaId;
};
