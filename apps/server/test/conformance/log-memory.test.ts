import { logContract } from './log.ts';

logContract(
  'memory',
  {
    keeps: false,
    options: ({ clock, limits }) =>
      Promise.resolve({ driver: 'memory', ...(clock ? { clock } : {}), limits: limits ?? {} }),
  },
  { skip: { 'a restart changes nothing that was acknowledged': 'the memory driver keeps nothing' } },
);
