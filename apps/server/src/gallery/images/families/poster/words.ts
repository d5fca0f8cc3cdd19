import type { Draws } from '#gallery/model';
import type { Font } from '../../type/font.ts';
import { namedIn, titled, topicOf, weekdays } from '../../words/phrases.ts';
import { lexicon, type Prompt } from '../../words/prompt.ts';

type Event = 'concert' | 'market' | 'exhibition' | 'supper' | 'talk' | 'fair' | 'film' | 'race';
const events = lexicon<Event>({
  concert: 'concert gig band music live song jazz choir radiators stage tour record drums guitar',
  market: 'market stall bazaar flea swap trade',
  exhibition: 'exhibition gallery art museum drawings prints opening',
  supper: 'supper dinner soup lunch food feast kitchen recipe steam noodles bread pan sugar curry',
  talk: 'talk lecture reading evening poem poetry book story',
  fair: 'fair festival carnival parade lantern garden season summer spring autumn winter',
  film: 'film cinema movie screening reel',
  race: 'race run regatta cycling bike bicycle derby match',
});
const lines: Readonly<Record<Event, readonly string[]>> = {
  concert: [
    'Live on the roof stage',
    'One night, two encores',
    'With strings and a kettle drum',
    'Unplugged in the boiler room',
    'Farewell tour, part nine',
  ],
  market: ['Bring a bag, leave a story', 'Forty stalls under one roof', 'Early birds get the chairs'],
  exhibition: ['Works on paper', 'Small rooms, large colours', 'Free on the first floor', 'Drawn from memory'],
  supper: ['One pot, long table', 'Bring your own spoon', 'Served until it is gone', 'Slow food, low light'],
  talk: ['Ten minutes each', 'Questions are welcome', 'Read aloud by lamplight'],
  fair: ['Lanterns at dusk', 'Games, cake and brass', 'Rain or shine'],
  film: ['On the big wall', 'With a live piano', 'Two reels and a short'],
  race: ['Once around the harbour', 'Any wheels will do', 'Start when the bell rings'],
};
const titles: Readonly<Record<Event, readonly string[]>> = {
  concert: [
    'The Velvet Radiators',
    'Paper Thunder',
    'Nine Quiet Drums',
    'Static Orchard',
    'The Late Trams',
    'Copper Choir',
  ],
  market: ['Sunday Swap', 'The Button Market', 'Night Stalls'],
  exhibition: ['Blue Hours', 'Soft Machines', 'Corner Studies', 'Slow Lines'],
  supper: ['Tuesday Soup', 'Burnt Sugar', 'The Long Table'],
  talk: ['Short Stories', 'Maps & Mistakes', 'Odd Letters'],
  fair: ['Lantern Fair', 'High Summer', 'Orchard Days'],
  film: ['Silent Reel', 'Rooftop Cinema', 'Two Suns'],
  race: ['Slow Regatta', 'Harbour Mile', 'Hill & Bell'],
};
const places: Readonly<Record<Event, readonly string[]>> = {
  concert: ['Roof Stage', 'Old Waterworks', 'Hall No. 4', 'The Boiler Room'],
  market: ['Tram Depot', 'Mill Yard', 'Hall No. 2'],
  exhibition: ['North Rooms', 'House of Paper', 'Gallery Stairs'],
  supper: ['The Brass Pan', 'Mill Kitchen', 'Corner Table'],
  talk: ['Reading Room', 'Lamp Street 9', 'The Attic'],
  fair: ['River Meadow', 'Castle Garden', 'Pear Square'],
  film: ['Garage Wall', 'Studio Court', 'Pier 3'],
  race: ['Quay Nine', 'Bell Hill', 'East Pier'],
};

export type Billing = { event: Event; title: string; line: string; when: string; where: string; soldOut: boolean };

/** What the poster says: the prompt's own name for it when it can be set, else one of ours. */
export function billingOf(prompt: Prompt, draws: Draws, fonts: readonly Font[]): Billing {
  const chance =
    draws.weighted<Event>({ concert: 5, market: 1, exhibition: 2, supper: 1, talk: 1, fair: 2, film: 1, race: 1 }) ??
    'concert';
  const event = prompt.find(events) ?? chance;
  const settable = (words: string): boolean =>
    words.length >= 2 && fonts.every((font) => font.covers(words) && font.covers(words.toUpperCase()));
  const own = draws.pick(titles[event]);
  const named = namedIn(prompt);
  const topic = titled(topicOf(prompt, 3).filter(settable).join(' '));
  const title = named !== undefined && settable(named) ? named : topic !== '' ? topic : own;
  const day = prompt.find(weekdays) ?? draws.pick(['Thursday', 'Friday', 'Saturday', 'Sunday']);
  const month = draws.pick(['March', 'April', 'May', 'June', 'July', 'September', 'October', 'November']);
  return {
    event,
    title,
    line: draws.pick(lines[event]),
    when: `${day} ${draws.whole(1, 28)} ${month}, ${draws.whole(17, 22)}:${draws.pick(['00', '30'])}`,
    where: draws.pick(places[event]),
    soldOut: prompt.has('sold') || (prompt.words.length === 0 && draws.chance(0.12)),
  };
}
