import { type LogMaker, logContract } from './log.ts';
import { logContentContract } from './log-content.ts';
import { logLifeContract } from './log-life.ts';

const maker: LogMaker = {
  keeps: false,
  options: ({ clock, limits }) =>
    Promise.resolve({ driver: 'memory', ...(clock ? { clock } : {}), limits: limits ?? {} }),
};

logContract('memory', maker, {
  skip: { 'a restart changes nothing that was acknowledged': 'the memory driver keeps nothing' },
});
logContentContract('memory', maker);
logLifeContract('memory', maker);
