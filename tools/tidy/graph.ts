import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from 'oxc-parser';

/** One source file: what it imports, what it exports, what it calls. Paths are relative to the repository. */
export type SourceFile = {
  path: string;
  lines: number;
  text: string;
  imports: { specifier: string; line: number; to: string | undefined; typeOnly?: boolean }[];
  /** Dotted names that are called or read, such as `Date.now` and `process.env`, with their line. */
  uses: { name: string; line: number }[];
  /** Words that stand in markup: text between tags, and attributes that people are told. */
  words: { text: string; line: number }[];
};

export const root = resolve(import.meta.dirname, '../..');

/** Every TypeScript file that git tracks or would track. */
export function readSources(): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((path) => path !== '' && !path.endsWith('.d.ts') && existsSync(join(root, path)))
    .toSorted()
    .map(readSource);
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const parsed = parseSync(path, text);
  const lineAt = lineFinder(text);
  const specifiers = [
    ...parsed.module.staticImports.map((item) => ({
      specifier: item.moduleRequest.value,
      at: item.start,
      typeOnly: item.entries.length > 0 && item.entries.every(({ isType }) => isType),
    })),
    ...parsed.module.staticExports.flatMap((item) =>
      item.entries.flatMap((entry) =>
        entry.moduleRequest ? [{ specifier: entry.moduleRequest.value, at: item.start, typeOnly: entry.isType }] : [],
      ),
    ),
    ...parsed.module.dynamicImports.flatMap((item) => {
      const literal = /^['"](.*)['"]$/.exec(text.slice(item.moduleRequest.start, item.moduleRequest.end));
      return literal?.[1] ? [{ specifier: literal[1], at: item.start, typeOnly: false }] : [];
    }),
  ];
  return {
    path,
    text,
    lines: text.split('\n').length,
    imports: specifiers.map(({ specifier, at, typeOnly }) => ({
      specifier,
      line: lineAt(at),
      typeOnly,
      to: resolveImport(path, specifier),
    })),
    uses: usesIn(parsed.program, lineAt),
    words: path.endsWith('.tsx') ? wordsIn(parsed.program, lineAt) : [],
  };
}

/** The parts of the protocol that are loaded alone, by their name in its package file. */
const protocolParts = (
  JSON.parse(readFileSync(join(root, 'packages/protocol/package.json'), 'utf8')) as { exports: Record<string, string> }
).exports;

/** Repository path an import leads to, or undefined for a package from outside. */
function resolveImport(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(from), specifier));
  const protocolPart = /^@muster\/protocol\/(\w+)$/.exec(specifier)?.[1];
  if (protocolPart) return protocolParts[`./${protocolPart}`]?.replace('./', 'packages/protocol/');
  const own = /^@muster\/(protocol|client|worker)$/.exec(specifier);
  if (own) return `packages/${own[1]}/src/index.ts`;
  if (!specifier.startsWith('#')) return undefined;
  const kernel = /^#kernel\/([a-z]+)$/.exec(specifier);
  if (kernel) return `apps/server/src/kernel/${kernel[1]}/index.ts`;
  const support = /^#test\/(.+)$/.exec(specifier);
  if (support) return `apps/server/test/support/${support[1]}.ts`;
  if (specifier === '#compose') return 'apps/server/src/compose.ts';
  if (specifier === '#admin-command') return 'apps/server/src/admin-command.ts';
  return `apps/server/src/${specifier.slice(1)}/index.ts`;
}

type Node = { type: string; start: number; [key: string]: unknown };
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value;

/** Walks the tree for `a`, `a.b` in call position and for `a.b` reads, which is all the rules ask about. */
function usesIn(program: unknown, lineAt: (offset: number) => number): SourceFile['uses'] {
  const uses: SourceFile['uses'] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (!isNode(value)) return;
    if (value.type === 'MemberExpression') {
      const name = dotted(value);
      if (name) uses.push({ name, line: lineAt(value.start) });
    }
    if (value.type === 'CallExpression' && isNode(value['callee']) && value['callee'].type === 'Identifier') {
      uses.push({ name: String(value['callee']['name']), line: lineAt(value.start) });
    }
    if (value.type.startsWith('TSType') || value.type === 'TSInterfaceDeclaration') return;
    for (const key of Object.keys(value)) if (key !== 'type' && key !== 'parent') visit(value[key]);
  };
  visit(program);
  return uses;
}

/** Attributes whose value people read or hear. */
const told = new Set(['title', 'label', 'aria-label', 'placeholder', 'alt', 'detail', 'note', 'hint', 'unit']);
/** Paths and addresses are the same in every language. */
const saysSomething = (text: unknown): text is string =>
  typeof text === 'string' && /\p{L}{2}/u.test(text) && !/^\s*\S*[/:]\S*\s*$/.test(text);

function wordsIn(program: unknown, lineAt: (offset: number) => number): SourceFile['words'] {
  const found: SourceFile['words'] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (!isNode(value)) return;
    if (value.type === 'JSXText' && saysSomething(value['value']))
      found.push({ text: value['value'].trim(), line: lineAt(value.start) });
    if (value.type === 'JSXAttribute' && isNode(value['name']) && isNode(value['value'])) {
      const [name, text] = [value['name']['name'], value['value']['value']];
      if (told.has(String(name)) && saysSomething(text)) found.push({ text, line: lineAt(value.start) });
    }
    for (const key of Object.keys(value)) if (key !== 'type' && key !== 'parent') visit(value[key]);
  };
  visit(program);
  return found;
}

function dotted(node: Node): string | undefined {
  const object = node['object'];
  const property = node['property'];
  if (!isNode(object) || !isNode(property) || object.type !== 'Identifier' || property.type !== 'Identifier')
    return undefined;
  return `${String(object['name'])}.${String(property['name'])}`;
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}
