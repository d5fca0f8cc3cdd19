export type ProgressNote = { progress: number; phase?: string };
const phaseCharsMax = 64;

/** `::progress 40 compiling` → progress 40, phase "compiling"; undefined for every other line. */
export function parseProgress(line: string): ProgressNote | undefined {
  const match = /^::progress\s+(\d{1,3}(?:\.\d+)?)%?(?:\s+(.*))?$/.exec(line.trimEnd());
  if (!match) return undefined;
  const progress = Number(match[1]);
  if (progress > 100) return undefined;
  const phase = match[2]?.trim().slice(0, phaseCharsMax);
  return phase ? { progress, phase } : { progress };
}
