/** What an activity may be, and the sign that feeds have always shown with it. */
export const activityEmoji = {
  started: '🌅',
  stopped: '💤',
  thought: '💭',
  action: '🎬',
  paused: '⏸️',
  resumed: '▶️',
  slept: '😴',
  woke: '⏰',
  post: '📸',
  comment: '💬',
  like: '❤️',
  error: '❌',
  reply: '↩️',
  browse: '👀',
  budget: '💰',
  provisioned: '🪪',
  removed: '🪪',
  skipped: '🤷',
  blocked: '🛡️',
  panic: '🛑',
  released: '🟢',
  phase: '⚖️',
  other: '•',
} as const;
export type ActivityType = keyof typeof activityEmoji;
// Object.keys loses the key type; the object above is the proof.
export const activityTypes = Object.keys(activityEmoji) as [ActivityType, ...ActivityType[]];
