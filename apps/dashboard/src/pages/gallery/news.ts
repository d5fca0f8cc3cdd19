import type { GalleryBot, GalleryBotChanges } from '@muster/protocol';
import type { QueryClient } from '@tanstack/react-query';
import { patchRow } from '../../api/queries.ts';
import { useFollow } from '../../live/use-live.ts';
import { botsStream, useSeldom } from './data.ts';

const numbersEveryMs = 3_000;

/** Keeps bots on the page as they are, and has the numbers over them counted again. */
export function useGalleryNews(queries: QueryClient): void {
  const recount = useSeldom(() => {
    void queries.invalidateQueries({ queryKey: ['gallery', 'fleet'] });
    void queries.invalidateQueries({ queryKey: ['gallery', 'budget'] });
  }, numbersEveryMs);
  useFollow<GalleryBotChanges>(botsStream, {
    take: (records) => {
      for (const { bots, many } of records) {
        for (const bot of bots) patchRow<GalleryBot>(queries, ['gallery', 'bots'], bot.id, bot);
        if (many) void queries.invalidateQueries({ queryKey: ['gallery', 'bots'] });
      }
      recount();
    },
    gap: recount,
  });
}
