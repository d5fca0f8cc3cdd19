import type { WriteOptions } from '#gallery/model';
import type { One, Planned } from './think-one.ts';

/** Answers with the id of what was made, where something was. */
export async function sendOnce(
  { client, actor }: Pick<One, 'client' | 'actor'>,
  { kind, itemId, content, publication }: Pick<Planned, 'kind' | 'itemId' | 'content' | 'publication'>,
  write: WriteOptions,
): Promise<string | null> {
  if (kind === 'post') {
    if (publication === null) throw new Error('invariant broken: a post without a picture');
    return (await client.publish(actor, publication, write)).id;
  }
  if (itemId === null) throw new Error(`invariant broken: a ${kind} on nothing`);
  if (kind !== 'like') return (await client.comment(actor, itemId, content, write)).id;
  await client.ensureLiked(actor, itemId, write);
  return null;
}
