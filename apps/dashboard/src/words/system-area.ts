/** What the menu and the palette say of the system; the rest comes with the pages. */
export const systemAreaWords = { title: 'System', jobs: 'Jobs' } as const;
