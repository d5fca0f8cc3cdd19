import { forgetPersonRows } from './queries/memory.ts';
import type { ThinkParts } from './think-parts.ts';

/**
 * Erases a person from the memory of all bots of a project. Whatever is thought of at this moment on any node was thought with
 * the old memory and is refused by its own number: the think after it reads what is left.
 */
export async function forgetPerson(
  { deps, recalls }: ThinkParts,
  projectId: string,
  username: string,
): Promise<{ memories: number; relations: number }> {
  const { memories, relations, botIds } = await deps.db.transaction((tx) =>
    forgetPersonRows(tx, { projectId, username: username.toLowerCase() }),
  );
  for (const botId of botIds) recalls.forget(botId);
  return { memories, relations };
}
