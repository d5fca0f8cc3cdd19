/** A scope is `<area>:<level>`; a level contains the ones before it. */
export const areas = ['builds', 'conversations', 'meetings', 'gallery', 'streams', 'accounts'] as const;
export const levels = ['read', 'operate', 'admin'] as const;
export type Area = (typeof areas)[number];
export type Level = (typeof levels)[number];
export type Scope = `${Area}:${Level}`;

export const scopes: readonly Scope[] = areas.flatMap((area) => levels.map((level): Scope => `${area}:${level}`));

/** Whether `held` covers `wanted`: same area, same or higher level. */
export function covers(held: readonly Scope[], wanted: Scope): boolean {
  // Asked for every request; most hold the very scope.
  if (held.includes(wanted)) return true;
  const [area, level] = split(wanted);
  return held.some((scope) => {
    const [heldArea, heldLevel] = split(scope);
    return heldArea === area && levels.indexOf(heldLevel) >= levels.indexOf(level);
  });
}

function split(scope: Scope): [Area, Level] {
  const [area, level] = scope.split(':') as [Area, Level];
  return [area, level];
}
