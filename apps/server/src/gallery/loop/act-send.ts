import type { WriteOptions } from '#gallery/model';
import type { One, Planned } from './think-one.ts';

/** `remoteId`: of what was made, where something was. `corrected`: a like whose toggle had to be pressed back. */
export type Sent = { remoteId: string | null; corrected: boolean };

export async function sendOnce(
  { client, actor }: Pick<One, 'client' | 'actor'>,
  { kind, itemId, content, publication }: Pick<Planned, 'kind' | 'itemId' | 'content' | 'publication'>,
  write: WriteOptions,
): Promise<Sent> {
  if (kind === 'post') {
    if (publication === null) throw new Error('invariant broken: a post without a picture');
    return { remoteId: (await client.publish(actor, publication, write)).id, corrected: false };
  }
  if (itemId === null) throw new Error(`invariant broken: a ${kind} on nothing`);
  if (kind !== 'like') return { remoteId: (await client.comment(actor, itemId, content, write)).id, corrected: false };
  return { remoteId: null, ...(await client.ensureLiked(actor, itemId, write)) };
}
