import type { Page } from '@muster/protocol';

const pageItems = 200;
/** What a person or a script can look through; beyond it lists are for filters. */
const itemsMax = 20_000;

/** Reads a list page by page, to its end or to 20,000 items. */
export async function everyItem<T>(read: (page: { limit: number; cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await read({ limit: pageItems, ...(cursor === null ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && items.length < itemsMax);
  return items;
}
