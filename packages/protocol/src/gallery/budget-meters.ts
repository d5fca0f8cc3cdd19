export const budgetMeters = ['acts', 'posts', 'comments', 'likes', 'money', 'tokensIn', 'tokensOut', 'images'] as const;
export type BudgetMeter = (typeof budgetMeters)[number];
export const budgetPeriods = ['day', 'month'] as const;
export type BudgetPeriod = (typeof budgetPeriods)[number];
