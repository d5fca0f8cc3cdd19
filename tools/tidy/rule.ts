import type { SourceFile } from './graph.ts';

export type Finding = { where: string; what: string };
/** A house rule: what it looks for, why it exists, and what to do instead; all three are printed with a finding. */
export type Rule = { name: string; why: string; instead: string; check(files: readonly SourceFile[]): Finding[] };
