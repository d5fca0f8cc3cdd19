import { listComments, postComment, removeComment } from './comments.ts';
import type { ContractHandler } from './context.ts';
import { executeSync } from './execute.ts';
import { announceUpload, confirmUpload, imageContent } from './images.ts';
import { putLike, removeLike, toggleLike } from './likes.ts';
import { listItems, postItem, removeItem, showItem } from './showcase.ts';
import { inviteAgent, removeAgentUser, showcaseOf, showUser } from './users.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
export type ContractPath = { path: string; methods: Partial<Record<Method, ContractHandler>> };

/** Every path of the contract, below `/api` and below `/sandbox/api`. Uploads stand apart: their address is the credential. */
export const contract: readonly ContractPath[] = [
  { path: '/api/showcase', methods: { GET: listItems, POST: postItem } },
  { path: '/api/showcase/:id', methods: { GET: showItem, DELETE: removeItem } },
  { path: '/api/showcase/:id/like', methods: { POST: toggleLike, PUT: putLike, DELETE: removeLike } },
  { path: '/api/showcase/:id/comments', methods: { GET: listComments, POST: postComment } },
  { path: '/api/showcase/:id/comments/:comment', methods: { DELETE: removeComment } },
  { path: '/api/execute/sync', methods: { POST: executeSync } },
  { path: '/api/storage/upload-url', methods: { POST: announceUpload } },
  { path: '/api/storage/confirm-upload', methods: { POST: confirmUpload } },
  { path: '/api/storage/images/:id/content', methods: { GET: imageContent } },
  { path: '/api/users/:username', methods: { GET: showUser } },
  { path: '/api/users/:username/showcase', methods: { GET: showcaseOf } },
  { path: '/api/admin/users/invite', methods: { POST: inviteAgent } },
  { path: '/api/admin/users/:agentId', methods: { DELETE: removeAgentUser } },
];

export const uploadPath = '/api/storage/uploads/:id';

type Compiled = { steps: readonly string[]; methods: ContractPath['methods'] };
const compiled: readonly Compiled[] = contract.map(({ path, methods }) => ({ steps: path.split('/'), methods }));

/** What a path means; `undefined`: nothing. Literal steps win over named ones by the order of the list. */
export function findPath(path: string): { methods: ContractPath['methods']; params: string[] } | undefined {
  const given = path.split('/');
  for (const { steps, methods } of compiled) {
    if (steps.length !== given.length) continue;
    const params: string[] = [];
    const fits = steps.every((step, i) => {
      const have = given[i] ?? '';
      if (!step.startsWith(':')) return step === have;
      params.push(have);
      return have !== '';
    });
    if (fits) return { methods, params };
  }
  return undefined;
}
