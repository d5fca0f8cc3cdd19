/** The thinking loop of gallery bots: who thinks when, and what one think does. */
export { type BotAnswer, type BotHappening, botAfter, timerOf } from './bot-after.ts';
export type { Confirmed, Due, Loop, PanicAnswer, PreviewStep, ThinkEnd, Thinker, ThinkResult } from './contract.ts';
export { createLoop, type LiveLoop } from './create-loop.ts';
export { FleetView } from './fleet-view.ts';
export type { LoopConfig, LoopDeps } from './loop-deps.ts';
export { afterThink, nextThink } from './next-think.ts';
export { nextShare, shareFor } from './phase-out.ts';
export { gatesOpen, holds } from './queries/term-sql.ts';
export { asleepUntil, nextThinkAt, ownTimeBetween, whenDraws } from './schedule.ts';
export { type Above, type ShownBot, shownState } from './shown-state.ts';
export { createThinking, type Thinking } from './think.ts';
export type { Emitted, Happening, ThinkingDeps } from './think-deps.ts';
export { furtherId } from './think-id.ts';
