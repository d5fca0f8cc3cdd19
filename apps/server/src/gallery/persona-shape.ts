import type { GalleryPersona } from '@muster/protocol';
import { mixOf } from '#gallery/personas';
import type { PersonaSheet } from './queries/personas.ts';

export const showPersona = ({ body, version, builtIn, bots, createdAt, updatedAt }: PersonaSheet): GalleryPersona => ({
  ...body,
  version,
  builtIn,
  bots,
  mix: mixOf(body.odds),
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});
