/** What people do to bots, one or many. */
export const botCommands = ['start', 'pause', 'resume', 'stop', 'wake', 'delete', 'restore', 'purge'] as const;
export type BotCommand = (typeof botCommands)[number];

export const botSorts = ['createdAt', 'name', 'lastActionAt', 'nextThinkAt', 'cost'] as const;
export type BotSort = (typeof botSorts)[number];
