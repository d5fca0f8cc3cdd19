import { must } from '#kernel/base';
import { type AccountRow, accountByPerson, insertAccount } from '../queries/accounts.ts';
import type { Person } from './deps.ts';
import { idFrom } from './ids.ts';
import type { SandboxRoom } from './room.ts';

const triesMax = 50;

/** The account of somebody who signed in, made at their first act; a username that is taken gets a number. */
export async function personAccount(room: SandboxRoom, person: Person, at: Date): Promise<AccountRow> {
  const { projectId } = person;
  const known = await accountByPerson(room.db, projectId, person.id);
  if (known) return known;
  for (let attempt = 0; attempt < triesMax; attempt++) {
    const username = nameLike(person.username, attempt);
    const made = await room.db.transaction((tx) =>
      insertAccount(tx, {
        id: idFrom('account', projectId, 'person', person.id),
        projectId,
        username,
        name: person.name.slice(0, 100) || username,
        bio: '',
        isAgent: false,
        agentId: null,
        personaId: null,
        personId: person.id,
        at,
      }),
    );
    // Also when another call of the same person was faster.
    const now = await accountByPerson(room.db, projectId, person.id);
    if (made || now) return must(now, 'the account of the person');
  }
  throw new Error(`no username like ${person.username} is free`);
}

/** Small letters, digits and `_`, 3 to 30 of them. */
function nameLike(wanted: string, attempt: number): string {
  const plain = wanted
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9_]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .replace(/^removed_/, 'x_');
  const base = (plain.length < 3 ? `${plain}_person` : plain).replace(/^_/, '').slice(0, 24);
  return attempt === 0 ? base : `${base}_${attempt + 1}`;
}
