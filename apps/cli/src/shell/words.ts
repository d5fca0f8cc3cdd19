import { InvalidArgumentError } from 'commander';

/** `k=v` pairs, repeatable: `--label arch=arm64 --label os=linux`. */
export function pair(text: string, before: Record<string, string> = {}): Record<string, string> {
  const cut = text.indexOf('=');
  if (cut < 1) throw new InvalidArgumentError('expected name=value');
  return { ...before, [text.slice(0, cut)]: text.slice(cut + 1) };
}

export function whole(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `2h` → milliseconds. */
export function span(text: string): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|min|h|d)$/.exec(text);
  const unit = found?.[2] === undefined ? undefined : units[found[2]];
  if (!found || unit === undefined) throw new InvalidArgumentError('expected a time such as 90s, 30m or 2h');
  return Math.round(Number(found[1]) * unit);
}

export const many = (text: string, before: string[] = []): string[] => [...before, text];
