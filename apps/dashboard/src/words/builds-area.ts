/** What the menu and the palette say of builds; the rest comes with the pages. */
export const buildsAreaWords = {
  title: 'Builds',
  queue: 'Queue',
  workers: 'Workers',
  submit: 'New build',
  worker: 'Worker',
  run: 'Build',
} as const;
