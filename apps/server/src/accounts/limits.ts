export const accountsLimits = {
  exportRowsMax: 100_000,
  exportPageRows: 1000,
} as const;
