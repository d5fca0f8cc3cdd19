/** What the menu and the palette say of usage; the rest comes with the page. */
export const usageAreaWords = { title: 'Usage' } as const;
