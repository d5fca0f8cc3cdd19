/* Rules of the console, apps/dashboard. */
import type { SourceFile } from './graph.ts';
import type { Finding, Rule } from './rule.ts';

const home = 'apps/dashboard/src/';
const inConsole = (files: readonly SourceFile[]): SourceFile[] =>
  files.filter(({ path }) => path.startsWith(home) && !/\.test\.tsx?$/.test(path));

/** `parts`, `pages/builds`; empty for the files that put everything together. */
function roomIn(path: string): string | undefined {
  if (!path.startsWith(home)) return undefined;
  const [first = '', second = '', third] = path.slice(home.length).split('/');
  if (second === '') return '';
  return first === 'pages' && third !== undefined ? `pages/${second}` : first;
}

/** The folder of the room a file of the console is in; `undefined` for files elsewhere, and for those that put everything together. */
export function consoleRoomOf(path: string): string | undefined {
  const room = roomIn(path);
  return room === undefined || room === '' ? undefined : `${home}${room}`;
}

/** What each room may take from; a page also from its own area. */
const mayTake: Readonly<Record<string, readonly string[]>> = {
  words: [],
  styles: [],
  parts: ['words', 'styles'],
  api: ['words'],
  live: ['api', 'words'],
  shell: ['live', 'api', 'parts', 'words', 'styles'],
  pages: ['shell', 'live', 'api', 'parts', 'words', 'styles'],
};

export const consoleRules: readonly Rule[] = [
  {
    name: 'console rooms',
    why: 'a part that knows a page cannot be used by the next one, and areas that know each other are loaded together',
    instead: 'hand what is needed in as props, or move what two areas share down into parts, live or api',
    check: (files) =>
      inConsole(files).flatMap((file) =>
        file.imports.flatMap(({ to, line }): Finding[] => {
          const from = roomIn(file.path);
          const into = to === undefined ? undefined : roomIn(to);
          if (from === undefined || from === '' || into === undefined || from === into) return [];
          const allowed = mayTake[from.startsWith('pages/') ? 'pages' : from] ?? [];
          return allowed.includes(into)
            ? []
            : [{ where: `${file.path}:${line}`, what: `${from} imports ${into || to}` }];
        }),
      ),
  },
  {
    name: 'no schemas in the browser',
    why: 'the schemas and their library would be a third of the first load',
    instead:
      'import types alone from @muster/protocol, and tables from its parts that hold no schemas (@muster/protocol/builds, …)',
    check: (files) =>
      inConsole(files).flatMap((file) =>
        file.imports
          .filter(
            ({ specifier, typeOnly }) => (specifier === '@muster/protocol' || specifier === 'zod') && typeOnly !== true,
          )
          .map(({ line, specifier }) => ({ where: `${file.path}:${line}`, what: specifier })),
      ),
  },
  {
    name: 'text is text',
    why: 'what bots, workers, logs and models say must never be markup of ours (D8)',
    instead: 'render it as text, with parts/text.tsx',
    check: (files) =>
      inConsole(files).flatMap((file) =>
        file.text
          .split('\n')
          .flatMap((line, i) =>
            /dangerouslySetInnerHTML|\.(inner|outer)HTML\b|insertAdjacentHTML/.test(line)
              ? [{ where: `${file.path}:${i + 1}`, what: line.trim().slice(0, 80) }]
              : [],
          ),
      ),
  },
  {
    name: 'words are in the catalogue',
    why: 'what people read is written, checked and one day translated in one place',
    instead: 'put it into src/words/<area>.ts',
    check: (files) =>
      inConsole(files)
        .filter(({ path }) => !path.includes('/pages/specimen/'))
        .flatMap((file) =>
          file.words.map(({ text, line }) => ({ where: `${file.path}:${line}`, what: text.slice(0, 60) })),
        ),
  },
];
