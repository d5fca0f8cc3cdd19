import type { Item, Publication, TargetRow } from '#gallery/model';
import type { Caller } from './caller.ts';
import type { Dialect } from './dialects.ts';

/** What every part of the client of one target works with. */
export type Speaker = {
  caller: Caller;
  dialect: Dialect;
  row: TargetRow;
  /** Reads an item as this target says it. */
  itemOf: (json: unknown) => Item;
  /** A drawing as pixels. */
  pngOf: (svg: string) => Promise<Uint8Array>;
  /** An address the target gave, absolute. */
  absolute: (url: string) => string;
};

/** A picture that lies on the target already (source `target`): nothing is uploaded again. */
export type PublicationThere = Publication & { image: { onTarget?: string } };
