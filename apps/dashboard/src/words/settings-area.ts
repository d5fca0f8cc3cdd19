/** What the menu and the palette say of the settings; the rest comes with the pages. */
export const settingsAreaWords = {
  title: 'Settings',
  you: 'You',
  keys: 'API keys',
  people: 'People',
  projects: 'Projects',
  audit: 'Audit',
  limits: 'Limits',
  config: 'Configuration',
} as const;
