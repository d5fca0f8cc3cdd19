/* What of the address goes along from page to page, so that every link shows the same to everybody (D5). */

const kept = ['project', 'zone'] as const;
export type KeptParam = (typeof kept)[number];

/** A path with what is kept of the present search; what the path says itself counts. */
export function withKept(to: string, search: string): string {
  const from = new URLSearchParams(search);
  if (!kept.some((name) => from.has(name))) return to;
  const [, path = '', query = '', hash = ''] = /^([^?#]*)(\?[^#]*)?(#.*)?$/.exec(to) ?? [];
  const params = new URLSearchParams(query);
  for (const name of kept) {
    const value = from.get(name);
    if (value !== null && !params.has(name)) params.set(name, value);
  }
  const text = params.toString();
  return `${path}${text === '' ? '' : `?${text}`}${hash}`;
}

/** A search with one of them changed, or without it. */
export function changeKept(search: string, name: KeptParam, value: string | undefined): string {
  const params = new URLSearchParams(search);
  if (value === undefined) params.delete(name);
  else params.set(name, value);
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
