import { type Minds, type MindsOptions, NamedMinds } from './minds.ts';

export {
  actWants,
  botCapDefaults,
  botScope,
  fleetCapDefaults,
  fleetScope,
  type GalleryMeasure,
  galleryMeasures,
  mindWants,
  personaScope,
  targetCapDefaults,
  targetScope,
} from './budgets.ts';
export { createImprov } from './improv/improv.ts';
export { mindLimits } from './limits.ts';
export type { DegradedEvent } from './mind-health.ts';
export type { MindChoice, MindInfo, Minds, MindsOptions, MindTest } from './minds.ts';
export type { Painted, PaintOrder } from './paint-image.ts';
export { type MindSettings, type MindSpec, type MindsConfig, mindsFrom } from './settings.ts';

/**
 * The minds of this process. Nothing is called, and no SDK loaded, before the first think that needs it.
 *
 * @example
 * const minds = createMinds({ config: mindsFrom(settings), improv: createImprov(), clock, random, logger, metrics });
 */
export const createMinds = (options: MindsOptions): Minds => new NamedMinds(options);
