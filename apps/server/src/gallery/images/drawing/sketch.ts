import type { Draws, Fact } from '#gallery/model';
import type { Prompt } from '../words/prompt.ts';
import type { Colour } from './colour.ts';
import type { Drawing } from './svg.ts';

/** What a family is asked for. */
export type Order = { draws: Draws; prompt: Prompt; seed: number; url?: string };

/** What a family has drawn. Facts are noted by what draws the thing, so none is told that is not there. */
export type Sketch = {
  drawing: Drawing;
  facts: Fact[];
  alt: string;
  /** Most used first. */
  palette: readonly Colour[];
  /** Every word that stands in the drawing, line by line. */
  words: readonly string[];
};
export type Family = (order: Order) => Sketch;
