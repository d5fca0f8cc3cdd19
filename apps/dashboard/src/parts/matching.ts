import type { Option } from './option.ts';

/** Options that hold the words typed, those that begin with them first. */
export function matching(options: readonly Option[], typed: string): readonly Option[] {
  const parts = typed.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const [first = ''] = parts;
  if (first === '') return options;
  const found = options.filter(({ label, value }) => {
    const hay = `${label} ${value}`.toLowerCase();
    return parts.every((part) => hay.includes(part));
  });
  const begins = ({ label, value }: Option): boolean =>
    label.toLowerCase().startsWith(first) || value.toLowerCase().startsWith(first);
  return [...found.filter(begins), ...found.filter((option) => !begins(option))];
}
