/** Mishaps that the gallery built into Muster plays on demand. */
export const faultKinds = [
  'latency',
  '429',
  '503',
  'fleetPaused',
  'fleetDaily',
  'fleetMonthly',
  'agentDaily',
  'agentMonthly',
  'html502',
  'malformedJson',
  'truncated',
  'wrongShape',
  'nullFields',
  'reset',
  'dropAfterCommit',
] as const;
export type FaultKind = (typeof faultKinds)[number];
