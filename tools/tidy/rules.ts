import { consoleRoomOf, consoleRules } from './console-rules.ts';
import type { SourceFile } from './graph.ts';
import type { Finding, Rule } from './rule.ts';

const server = 'apps/server/src/';
const isTest = (path: string): boolean =>
  /\.test\.tsx?$/.test(path) || path.includes('/test/') || path.startsWith('bench/');
const production = (files: readonly SourceFile[]): SourceFile[] =>
  files.filter((file) => !isTest(file.path) && (file.path.startsWith('apps/') || file.path.startsWith('packages/')));

/** `kernel/db`, `builds`, `config`; undefined for compose.ts and main.ts. */
function roomOf(path: string): string | undefined {
  if (!path.startsWith(server)) return undefined;
  const [first, second] = path.slice(server.length).split('/');
  if (first === undefined || second === undefined) return undefined;
  return first === 'kernel' ? `kernel/${second}` : first;
}

const kernelFloors: readonly (readonly string[])[] = [
  ['kernel/base'],
  ['kernel/telemetry'],
  ['kernel/db', 'kernel/bus', 'kernel/actors'],
  ['kernel/log', 'kernel/queue', 'kernel/blobs', 'kernel/outbound', 'kernel/auth', 'kernel/meter'],
  ['kernel/http'],
];
const floorOf = (room: string): number => kernelFloors.findIndex((rooms) => rooms.includes(room));

/** Rooms of one floor that may still see each other: auth tells other processes of a revoked key, queues wake by hints. */
const neighbours = new Set(['kernel/bus → kernel/db']);

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  if (from === 'config') return to === 'kernel/base';
  if (from.startsWith('kernel/')) {
    if (!to.startsWith('kernel/')) return false;
    return floorOf(to) < floorOf(from) || neighbours.has(`${from} → ${to}`);
  }
  return to.startsWith('kernel/');
}

const eachImport = (
  files: readonly SourceFile[],
  look: (file: SourceFile, item: SourceFile['imports'][number]) => string | undefined,
): Finding[] =>
  files.flatMap((file) =>
    file.imports.flatMap((item) => {
      const what = look(file, item);
      return what ? [{ where: `${file.path}:${item.line}`, what }] : [];
    }),
  );

const ban =
  (
    names: readonly string[],
    except: (path: string) => boolean,
    scope: (path: string) => boolean = (path) => path.startsWith(server),
  ) =>
  (files: readonly SourceFile[]): Finding[] =>
    production(files)
      .filter((file) => scope(file.path) && !except(file.path))
      .flatMap((file) =>
        file.uses
          .filter((use) => names.includes(use.name))
          .map((use) => ({ where: `${file.path}:${use.line}`, what: use.name })),
      );

const bannedPackages: readonly { pattern: RegExp; only: RegExp }[] = [
  { pattern: /^pg$/, only: /^apps\/server\/src\/kernel\/db\// },
  { pattern: /^@aws-sdk\//, only: /^apps\/server\/src\/kernel\/blobs\// },
  { pattern: /^fastify|^@fastify\//, only: /^apps\/server\/src\/(kernel\/http|builds|accounts)\// },
  { pattern: /^pino|^prom-client$/, only: /^apps\/server\/src\/kernel\/telemetry\// },
  {
    pattern: /^ws$/,
    only: /^(apps\/server\/src\/kernel\/http|packages\/(client|worker)\/src|apps\/server\/src\/builds)\//,
  },
];

export const rules: readonly Rule[] = [
  ...consoleRules,
  {
    name: 'floors',
    why: 'capabilities meet only in compose.ts, and the kernel knows no product noun: then each room can be read, tested and replaced alone',
    instead: 'declare the narrow function you need in your own Deps type and let compose.ts hand it over',
    check: (files) =>
      eachImport(production(files), (file, item) => {
        if (!item.to) return undefined;
        const from = roomOf(file.path);
        const to = roomOf(item.to);
        if (from && to && !mayImport(from, to)) return `${from} imports ${to}`;
        if (from && item.to === `${server}compose.ts`) return `${from} imports compose.ts`;
        return undefined;
      }),
  },
  {
    name: 'doors',
    why: 'what lies behind a door may change without asking anybody',
    instead: 'import the room as #kernel/name or #name, and export there what others need',
    check: (files) =>
      eachImport(production(files), (file, item) => {
        if (!item.to) return undefined;
        const from = roomOf(file.path);
        const to = roomOf(item.to);
        if (to && from !== to && !item.to.endsWith('/index.ts'))
          return `reaches past the door of ${to}: ${item.specifier}`;
        if (to && from !== to && item.specifier.startsWith('.')) return `spells the path of ${to} instead of its name`;
        if (
          /^(apps|packages)\//.test(item.to) &&
          item.specifier.startsWith('.') &&
          packageOf(item.to) !== packageOf(file.path)
        )
          return `climbs into another package: ${item.specifier}`;
        return undefined;
      }),
  },
  {
    name: 'packages',
    why: 'protocol is shared by everyone and does no I/O; apps stand on packages, never the other way',
    instead: 'move what is shared down into protocol, or pass it in',
    check: (files) =>
      eachImport(production(files), (file, item) => {
        const from = packageOf(file.path);
        const to = item.to ? packageOf(item.to) : undefined;
        if (from === 'packages/protocol' && (to ? to !== from : item.specifier.startsWith('node:')))
          return `protocol imports ${item.specifier}`;
        if (!to || from === to) return undefined;
        const allowed: Record<string, string[]> = {
          'packages/client': ['packages/protocol'],
          'packages/worker': ['packages/protocol'],
          'apps/cli': ['packages/protocol', 'packages/client'],
          'apps/dashboard': ['packages/protocol', 'packages/client'],
          'apps/server': ['packages/protocol'],
        };
        return allowed[from]?.includes(to) ? undefined : `${from} imports ${to}`;
      }),
  },
  {
    name: 'foreign parts',
    why: 'a driver or SDK that is known in one folder can be replaced there',
    instead: 'use the port of that room',
    check: (files) =>
      eachImport(
        production(files).filter((file) => file.path.startsWith(server)),
        (file, item) =>
          bannedPackages.some(({ pattern, only }) => pattern.test(item.specifier) && !only.test(file.path))
            ? item.specifier
            : undefined,
      ),
  },
  {
    name: 'time and chance',
    why: 'tests own time; a room that reads the clock itself cannot be stepped',
    instead: 'take a Clock or Random from #kernel/base',
    check: ban(['Date.now', 'Math.random', 'setTimeout', 'setInterval', 'performance.now'], (path) =>
      path.startsWith(`${server}kernel/base/`),
    ),
  },
  {
    name: 'environment',
    why: 'an operator must find every setting in one schema',
    instead: 'add the setting to config/schema.ts and take it through Deps',
    check: ban(['process.env'], (path) => path.startsWith(`${server}config/`)),
  },
  {
    name: 'exit',
    why: 'disposal does the work; a process that is cut off leaves leases and files behind',
    instead: 'throw, or call lifecycle.fatal',
    check: ban(['process.exit'], (path) => path === `${server}main.ts`),
  },
  {
    name: 'sleeping tests',
    why: 'a sleep is either too short on a busy machine or wasted on a quiet one',
    instead: 'wait on a Signal, advance a FakeClock, or poll a condition with the support helper',
    check: (files) =>
      files
        .filter((file) => isTest(file.path) && !file.path.startsWith('bench/') && !file.path.includes('/support/'))
        .flatMap((file) =>
          file.uses
            .filter((use) => use.name === 'setTimeout' || use.name === 'setInterval')
            .map((use) => ({ where: `${file.path}:${use.line}`, what: use.name })),
        ),
  },
  {
    name: 'names',
    why: 'these names say nothing about what is inside, so everything ends up there',
    instead: 'name the file after the one thing it does',
    check: (files) =>
      files
        .filter((file) => /(^|\/)(utils?|helpers?|common|manager|service|misc)(\.|\/)/.test(file.path))
        .map((file) => ({ where: file.path, what: 'name' })),
  },
  {
    name: 'leftovers',
    why: 'main is what users run; unfinished or focused things do not belong there',
    instead: 'finish it, or write it into the issue',
    check: (files) =>
      files
        // A port's contract may skip a case for one driver; its own type demands the reason.
        .filter((file) => !file.path.startsWith('tools/tidy') && !file.path.includes('/test/conformance/'))
        .flatMap((file) =>
          file.text
            .split('\n')
            .flatMap((line, i) =>
              /\b(TODO|FIXME|XXX)\b|\b(it|test|describe)\.(only|skip|todo)\(|not implemented/i.test(line) &&
              !/xxx/.test(line)
                ? [{ where: `${file.path}:${i + 1}`, what: line.trim().slice(0, 80) }]
                : [],
            ),
        ),
  },
];

const packageOf = (path: string): string => path.split('/').slice(0, 2).join('/');

/** Folders that import each other in a ring, as lists of folders. */
export function folderCycles(files: readonly SourceFile[]): string[][] {
  const edges = new Map<string, Set<string>>();
  // Within a room of the console files lie in folders for the eye alone; between its rooms another rule decides.
  const folder = (path: string): string => consoleRoomOf(path) ?? path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const known = new Set(files.map((file) => file.path));
  for (const file of production(files)) {
    for (const { to } of file.imports) {
      if (!to || !known.has(to)) continue;
      const from = folder(file.path);
      if (from === folder(to)) continue;
      edges.set(from, (edges.get(from) ?? new Set()).add(folder(to)));
    }
  }
  return rings(edges);
}

/** Strongly connected components of more than one member (Tarjan, SIAM J. Comput. 1972). */
function rings(edges: Map<string, Set<string>>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (at: string): void => {
    index.set(at, index.size);
    low.set(at, index.get(at) ?? 0);
    stack.push(at);
    for (const to of edges.get(at) ?? []) {
      if (!index.has(to)) visit(to);
      if (stack.includes(to)) low.set(at, Math.min(low.get(at) ?? 0, low.get(to) ?? 0));
    }
    if (low.get(at) !== index.get(at)) return;
    const ring = stack.splice(stack.indexOf(at));
    if (ring.length > 1) found.push(ring);
  };
  for (const at of edges.keys()) if (!index.has(at)) visit(at);
  return found;
}
