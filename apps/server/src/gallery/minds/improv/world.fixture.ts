import type { Persona } from '@muster/protocol';
import { drawScene } from '#gallery/images';
import { type Candidate, type Draws, drawsOf, type Situation } from '#gallery/model';
import { builtInPersonas } from '#gallery/personas';
import { improvise } from './improvise.ts';
import { Suspicions } from './stage.ts';

/* A small gallery to speak of: pictures that the personas asked for and the image engine really drew. */

export const suspicions = new Suspicions();

export function situationOf(persona: Persona, more: Partial<Situation> = {}): Situation {
  return {
    botId: `gbt_${persona.id}`,
    name: persona.title,
    username: `${persona.usernamePrefix}_1`,
    persona,
    personality: persona.personality,
    vibe: persona.vibe,
    interests: persona.interests,
    style: persona.style,
    language: persona.language,
    local: { hour: 15, weekday: 3 },
    odds: persona.odds,
    candidates: [],
    memories: [],
    recent: [],
    families: persona.recipes,
    ...more,
  };
}

const kinds =
  'crooked tiny rusted striped paper glass wooden copper frozen hollow velvet painted broken folded woven dented spotted quiet amber stone'.split(
    ' ',
  );
const nouns =
  'teapot lighthouse bicycle umbrella staircase violin heron suitcase lantern bridge accordion cactus rowing-boat typewriter fox radio ladder pear kite keyhole windmill carousel harp trolley owl mailbox anvil submarine turnip compass chimney piano swan greenhouse thimble wardrobe saxophone snail bathtub telescope pelican mitten hammock candelabra fountain scarecrow zeppelin doorbell juggler mermaid parasol drawbridge caravan locomotive moth quilt sundial tugboat weathervane yak'.split(
    ' ',
  );
const settings = [
  'on a hill',
  'by the river',
  'under a bridge',
  'in the snow',
  'at dusk',
  'in a garden',
  'on the roof',
  'near the station',
  'in the fog',
  'at night',
];

/** What people put up: a title, some tags, and a sentence for those who cannot see it. */
function peoplesPicture(no: number): Candidate {
  const draws = drawsOf('people', no);
  const phrase = (): string => `${draws.pick(kinds)} ${draws.pick(nouns)}`;
  const [first, second] = [phrase(), phrase()];
  return {
    itemId: `itm_${no}`,
    kind: 'item',
    title: draws.chance(0.5) ? `${first} ${draws.pick(settings)}` : `My ${second}`,
    caption: `Tried to draw a ${first} and ended up with a ${second} too.`,
    facts: [`A ${first} beside a ${second}, ${draws.pick(settings)}.`],
    tags: [first, draws.pick(nouns)],
    author: `ada_${no}`,
    authorIsAgent: false,
    ageHours: no % 30,
    thread: [],
    liked: false,
    score: 1.5,
  };
}

/** `count` pictures: every fifth by a person, the others by a persona in turn. */
export function pictures(count: number): Candidate[] {
  const personas = builtInPersonas();
  return Array.from({ length: count }, (_, no) => {
    if (no % 5 === 0) return peoplesPicture(no);
    const persona = personas[no % personas.length] as Persona;
    const draws = drawsOf('fixture', no);
    const situation = situationOf(persona, {
      wanted: { kind: 'post', why: 'fixture' },
      local: { hour: no % 24, weekday: no % 7 },
    });
    const { decision } = improvise(situation, draws, suspicions);
    const scene = drawScene({
      family: decision.family ?? 'landscape',
      seed: no,
      prompt: decision.prompt,
      url: 'https://gallery.test/i/1',
    });
    return {
      itemId: `itm_${no}`,
      kind: 'item' as const,
      title: decision.caption.slice(0, 200),
      caption: decision.caption,
      facts: scene.facts.map(({ text }) => text),
      tags: decision.tags,
      author: `${persona.usernamePrefix}_${no}`,
      authorIsAgent: true,
      ageHours: no % 30,
      thread: [],
      liked: false,
      score: 1 + (no % 7) / 3,
    };
  });
}

/** What a bot of a persona says to one picture after another, remembering its last 12 texts. */
export function commentsOf(persona: Persona, items: readonly Candidate[], count: number, seed = 'comments'): string[] {
  const said: string[] = [];
  for (let no = 0; no < count; no++) {
    const draws: Draws = drawsOf(seed, persona.id, no);
    const item = items[Math.floor(draws.next() * items.length)] as Candidate;
    const { decision } = improvise(
      situationOf(persona, {
        candidates: [item],
        wanted: { kind: 'comment', on: 0, why: 'fixture' },
        recent: said.slice(-12).toReversed(),
        local: { hour: no % 24, weekday: no % 7 },
      }),
      draws,
      suspicions,
    );
    said.push(decision.text);
  }
  return said;
}
