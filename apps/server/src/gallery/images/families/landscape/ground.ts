import { lexicon } from '../../words/prompt.ts';
import { city } from './city.ts';
import type { Ground } from './ridge.ts';
import { desert, forest, hills, mountains } from './uplands.ts';
import { lake, sea } from './waters.ts';

export type Biome = 'mountains' | 'hills' | 'forest' | 'desert' | 'sea' | 'lake' | 'city' | 'orbit' | 'room';

export const biomes = lexicon<Biome>({
  mountains: 'mountain peak ridge alpine summit alps glacier pass',
  hills: 'hill meadow field farm valley countryside village pasture downs wheat vineyard moor',
  forest: 'forest wood pine fir grove jungle taiga clearing tree trees',
  desert: 'desert dune mesa canyon cactus sand sahara oasis',
  sea: 'sea ocean bay harbor harbour coast tide beach buoy boat port shore lighthouse quay gull cove island sail wave',
  lake: 'lake pond river reflection loch fjord reed heron',
  city: 'city town skyline street roof tram rooftop downtown building tower',
  orbit: 'orbit planet space galaxy comet asteroid nebula dust_lane second_moon ring cosmos sky_chart eclipse',
  room: 'room window hall gallery corridor door interior empty_room chair museum',
});

export const places: Readonly<Record<Biome, string>> = {
  mountains: 'mountain ridge',
  hills: 'rolling hills',
  forest: 'pine forest',
  desert: 'desert',
  sea: 'bay',
  lake: 'mountain lake',
  city: 'city skyline',
  orbit: 'moon horizon',
  room: 'empty room',
};

export const grounds: Readonly<Record<Exclude<Biome, 'orbit' | 'room'>, Ground>> = {
  mountains,
  hills,
  forest,
  desert,
  sea,
  lake,
  city,
};
