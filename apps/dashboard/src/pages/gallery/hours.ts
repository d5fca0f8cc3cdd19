import type { GalleryStats } from '@muster/protocol';
import { actKinds } from '@muster/protocol/gallery';

type Group = GalleryStats['groups'][number];
const hourMs = 3_600_000;

/** Acts that others see: looking around is none. */
export const actsOf = (groups: readonly Pick<Group, 'done'>[]): number =>
  groups.reduce((sum, { done }) => sum + actKinds.reduce((n, kind) => n + (kind === 'browse' ? 0 : done[kind]), 0), 0);

/** Every hour of the window in its order, also those in which nothing happened. */
export function hoursOf({ from, to, groups }: GalleryStats): { at: number; group: Group | undefined }[] {
  const known = new Map(groups.map((group) => [Date.parse(group.group ?? ''), group]));
  const first = Math.floor(Date.parse(from) / hourMs) * hourMs;
  const hours = Math.ceil((Date.parse(to) - first) / hourMs);
  return Array.from({ length: Math.max(0, hours) }, (_, n) => {
    const at = first + n * hourMs;
    return { at, group: known.get(at) };
  });
}
