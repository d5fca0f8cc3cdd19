import type { Area, ErrorCode, Level, Scope } from '@muster/protocol';

const levels: Readonly<Record<Level, string>> = { read: 'read', operate: 'operate', admin: 'administer' };

export const apiWords = {
  titles: {
    invalid: 'That is not right',
    unauthenticated: 'Nobody is signed in',
    forbidden: 'Not allowed',
    notFound: 'Not found',
    conflict: 'It has changed meanwhile',
    exhausted: 'A limit is reached',
    unavailable: 'The server cannot do it now',
    internal: 'The server made a mistake',
  } satisfies Record<ErrorCode, string>,
  noConnection: 'No connection to the server',
  ownFault: 'The console made a mistake',
  notAPerson: 'The server takes this page for a program with a key; sign in to use the console.',
  needs: (scope: Scope): string => {
    const [area, level] = scope.split(':') as [Area, Level];
    return `Needs the right to ${levels[level]} ${area}; whoever administers this project can give it.`;
  },
  needsInstallation: 'Needs somebody who administers this installation.',
} as const;
