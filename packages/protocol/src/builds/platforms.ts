export const platforms = ['ios', 'android', 'linux', 'macos', 'any'] as const;
export type Platform = (typeof platforms)[number];
