/** What the menu and the palette say of streams; the rest comes with the pages. */
export const streamsAreaWords = { title: 'Streams', one: 'Stream' } as const;
