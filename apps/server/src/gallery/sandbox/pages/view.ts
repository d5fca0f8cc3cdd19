import { defaultProjectId } from '#kernel/auth';
import type { RequestHead } from '#kernel/http';
import { accountByPerson } from '../queries/accounts.ts';
import type { Person } from '../room/deps.ts';
import type { ActiveFault } from '../room/fault-desk.ts';
import type { SandboxRoom } from '../room/room.ts';
import { formToken } from '../room/same-origin.ts';

export type Theme = 'light' | 'dark' | 'auto';

/** What every page knows of who looks at it. */
export type View = {
  base: string;
  projectId: string;
  now: number;
  theme: Theme;
  person: { name: string; username: string | null; accountId: string | null; quiet: boolean; token: string } | null;
  signInPath: string | null;
  faults: readonly ActiveFault[];
  /** Where this page is, for links that come back. */
  here: string;
};

/** The gallery of the default project is there for everybody; whoever signs in sees that of their own. */
export async function viewOf(room: SandboxRoom, head: RequestHead, person: Person | undefined): Promise<View> {
  const projectId = person?.projectId ?? defaultProjectId;
  const [account, faults] = await Promise.all([
    person ? accountByPerson(room.db, projectId, person.id) : undefined,
    room.faults.active(projectId, room.clock),
  ]);
  return {
    base: room.basePath,
    projectId,
    now: room.clock.now(),
    theme: themeOf(head.headers.cookie ?? ''),
    person: person
      ? {
          name: person.name,
          username: account?.username ?? null,
          accountId: account?.id ?? null,
          quiet: account?.quiet ?? false,
          token: formToken(room.csrfKey, person.id),
        }
      : null,
    signInPath: room.signInPath ?? null,
    faults,
    here: `${room.basePath}${head.path}`,
  };
}

function themeOf(cookies: string): Theme {
  const given = /(?:^|;\s*)sandbox_theme=(light|dark)(?:;|$)/.exec(cookies)?.[1];
  return given === 'light' || given === 'dark' ? given : 'auto';
}
