import type { Draws, Fact } from '#gallery/model';
import type { Colour } from '../../drawing/colour.ts';
import { css } from '../../drawing/colour.ts';
import type { Path, Point } from '../../drawing/path.ts';
import type { Attributes, Drawing } from '../../drawing/svg.ts';
import type { Prompt } from '../../words/prompt.ts';
import type { Light } from './light.ts';

export type Season = 'spring' | 'summer' | 'autumn' | 'winter';
export type Weather = 'clear' | 'cloudy' | 'fog' | 'rain' | 'snow' | 'storm' | 'wind';

/** The stand that a foreground thing gets: a point on the ground, and how tall a person would be there. */
export type Spot = { x: number; y: number; scale: number };

/** What the painters of one landscape hand to each other. */
export type Stage = {
  drawing: Drawing;
  draws: Draws;
  prompt: Prompt;
  light: Light;
  season: Season;
  weather: Weather;
  width: number;
  height: number;
  /** Where sky and earth meet. */
  horizon: number;
  sun: { x: number; y: number; r: number };
  facts: Fact[];
};

export const fill = (stage: Stage, path: Path, colour: Colour | string, more: Attributes = {}): void =>
  stage.drawing.add('path', { d: path.d, fill: typeof colour === 'string' ? colour : css(colour), ...more });

/** The line, and everything below it. */
export const below = (stage: Stage, path: Path, line: readonly Point[], floor = stage.height): Path =>
  path
    .line(line.at(-1)?.[0] ?? stage.width, floor)
    .line(line[0]?.[0] ?? 0, floor)
    .close();

/** Draws a thing at its spot, in a colour of its own and the dark that everything near has. */
export type ThingPainter = (stage: Stage, spot: Spot, accent: Colour, ink: Colour) => void;
