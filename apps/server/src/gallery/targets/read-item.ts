import { type Actor, type Item, TargetError } from '#gallery/model';
import { member } from './shapes.ts';
import type { Speaker } from './speaker.ts';

/** As this bot sees it, when there is one; `undefined` when it is gone. */
export const readOne = (
  { caller, dialect, itemOf }: Speaker,
  id: string,
  as: Actor | null,
  signal: AbortSignal,
): Promise<Item | undefined> =>
  unlessGone(
    caller.call({
      route: 'item',
      kind: 'read',
      method: 'GET',
      path: dialect.itemPath(id),
      as,
      signal,
      mayBeGone: true,
      read: (json) => itemOf(member(json, dialect.item)),
    }),
  );

/** `undefined` in place of the fault `gone`. */
export async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TargetError && error.fault.kind === 'gone') return undefined;
    throw error;
  }
}
