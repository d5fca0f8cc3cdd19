/** What stands on a bot's profile: its character when it has one, and at the end, always, what it is. */
export const bioOf = (vibe: string | null, disclosureLabel: string): string =>
  vibe === null || vibe.trim() === '' ? disclosureLabel : `${vibe.trim()} · ${disclosureLabel}`;
