const named = /^\s*--\s*([a-z][a-z0-9_]*):/;
const verbs = /\b(insert\s+into|update|delete\s+from|merge\s+into)\s+(?:only\s+)?"?([a-z_][a-z0-9_.]*)/gi;
const reads = /\bfrom\s+(?:only\s+)?"?([a-z_][a-z0-9_.]*)/i;
const labels = new Map<string, string>();
const labelsMax = 2_000;

/**
 * A short name of a statement for metrics: what its first comment says (`-- claim_build: …`), else verb and table of its
 * last change, else the first table read. There are as many as there are queries in the source.
 */
export function queryLabel(text: string): string {
  let label = labels.get(text);
  if (label === undefined) {
    label = read(text);
    if (labels.size < labelsMax) labels.set(text, label);
  }
  return label;
}

function read(text: string): string {
  const own = named.exec(text)?.[1];
  if (own) return own;
  const bare = text.replaceAll(/--[^\n]*/g, ' ');
  // `for update skip locked` is not a change: what follows it is no table of ours.
  const change = [...bare.replaceAll(/\bfor\s+(no\s+key\s+)?update\b|\bdo\s+update\b/gi, ' ').matchAll(verbs)].at(-1);
  if (change) return `${change[1]?.split(/\s/)[0]?.toLowerCase()} ${change[2]}`;
  const table = reads.exec(bare)?.[1];
  return table ? `select ${table}` : (bare.trim().split(/\s/)[0]?.toLowerCase() ?? 'other');
}
