/**
 * Finds every statement of the server in its source: the `sql` tagged templates, read from the syntax tree, so a query
 * needs no registration and no test of its own to be PREPAREd against the migrated schema (`all-queries.db.test.ts`).
 * Values become `$n`. A nested part is put in when it is an `sql` template itself, a constant that holds one, a call of a
 * function that returns one, or a conditional of these; of conditionals every side appears in at least one variant. Any
 * other part is taken for a value, and fails loudly when it was none: give it a name then. Statements that Postgres
 * cannot PREPARE (set, lock, listen) are left out.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';

export type FoundQuery = { file: string; line: number; variants: string[] };

type Node = { type: string; start: number; [key: string]: unknown };
type Template = { strings: string[]; parts: Node[]; node: Node };
type Named = Map<string, Node>;

const preparable = /^\s*(select|insert|update|delete|with|merge|values)\b/i;
const variantsMax = 16;
const depthMax = 12;

/** Every statement in the TypeScript files below `root`, tests left out. */
export async function allQueries(root: string): Promise<FoundQuery[]> {
  const names = (await readdir(root, { recursive: true })).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  );
  const files = await Promise.all(
    names.sort().map(async (file) => {
      const source = await readFile(join(root, file), 'utf8');
      const program = parseSync(file, source).program as unknown as Node;
      return { file, source, program, named: namedParts(program) };
    }),
  );
  const everywhere: Named = new Map(files.flatMap(({ named }) => [...named]));
  return files.flatMap(({ file, source, program, named }) => {
    const imported = [...importedNames(program)].flatMap((name): [string, Node][] => {
      const part = everywhere.get(name);
      return part ? [[name, part]] : [];
    });
    const known: Named = new Map([...imported, ...named]);
    return [...walk(program)].flatMap((node): FoundQuery[] => {
      const template = templateOf(node);
      const variants = template ? expand(template, known).map(numbered).filter(isStatement) : [];
      if (variants.length === 0) return [];
      return [{ file, line: source.slice(0, node.start).split('\n').length, variants: [...new Set(variants)] }];
    });
  });
}

const isStatement = (text: string): boolean => preparable.test(text.replaceAll(/--[^\n]*/g, ''));

function* walk(node: unknown): Generator<Node> {
  if (Array.isArray(node)) for (const item of node) yield* walk(item);
  else if (isNode(node)) {
    yield node;
    for (const value of Object.values(node)) if (typeof value === 'object') yield* walk(value);
  }
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value;

function templateOf(node: Node): Template | undefined {
  if (node.type !== 'TaggedTemplateExpression' || (node['tag'] as Node)['name'] !== 'sql') return undefined;
  const quasi = node['quasi'] as Node;
  const strings = (quasi['quasis'] as { value: { cooked: string } }[]).map(({ value }) => value.cooked);
  return { strings, parts: quasi['expressions'] as Node[], node };
}

function* importedNames(program: Node): Generator<string> {
  for (const node of walk(program)) {
    if (node.type === 'ImportSpecifier') yield (node['local'] as Node)['name'] as string;
  }
}

/** Constants that hold a part of a statement, and functions whose answer is one. */
function namedParts(program: Node): Named {
  const named: Named = new Map();
  for (const node of walk(program)) {
    if (node.type !== 'VariableDeclarator' && node.type !== 'FunctionDeclaration') continue;
    const name = (node['id'] as Node)['name'];
    const answer = node.type === 'VariableDeclarator' ? answerOf(node['init']) : answerOf(node);
    if (typeof name === 'string' && answer && mentionsTemplate(answer)) named.set(name, answer);
  }
  return named;
}

/** What an initializer is, or what the function in it returns as its last act. */
function answerOf(value: unknown): Node | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'ParenthesizedExpression') return answerOf(value['expression']);
  if (value.type !== 'ArrowFunctionExpression' && value.type !== 'FunctionDeclaration') return value;
  const body = value['body'] as Node;
  if (body.type !== 'BlockStatement' && body.type !== 'FunctionBody') return answerOf(body);
  const last = (body['body'] as Node[]).at(-1);
  return last?.type === 'ReturnStatement' ? answerOf(last['argument']) : undefined;
}

/** A template, or a conditional with one on some side. */
const mentionsTemplate = (node: Node): boolean =>
  templateOf(node) !== undefined ||
  (node.type === 'ConditionalExpression' && sidesOf(node).some((side) => mentionsTemplate(side)));

const sidesOf = (conditional: Node): Node[] => [conditional['consequent'] as Node, conditional['alternate'] as Node];

/** Texts of a template, with NUL in place of each value: as many as it takes for each text of each part to appear. */
function expand({ strings, parts }: Template, known: Named, depth = 0): string[] {
  const inner = parts.map((part) => textsOf(part, known, depth));
  const count = Math.min(variantsMax, Math.max(1, ...inner.map((texts) => texts.length)));
  return Array.from({ length: count }, (_, variant) =>
    strings.map((string, i) => string + (inner[i]?.[Math.min(variant, inner[i].length - 1)] ?? '')).join(''),
  );
}

function textsOf(part: Node, known: Named, depth: number): string[] {
  if (depth > depthMax) throw new Error('parts of statements refer to each other in a circle');
  if (part.type === 'ParenthesizedExpression') return textsOf(part['expression'] as Node, known, depth);
  const template = templateOf(part);
  if (template) return expand(template, known, depth + 1);
  if (part.type === 'ConditionalExpression') {
    const texts = sidesOf(part).flatMap((side) => textsOf(side, known, depth + 1));
    return texts.every((text) => text === '\0') ? ['\0'] : texts;
  }
  const name = part.type === 'CallExpression' ? (part['callee'] as Node)['name'] : part['name'];
  const value = typeof name === 'string' ? known.get(name) : undefined;
  return value ? textsOf(value, known, depth + 1) : ['\0'];
}

function numbered(text: string): string {
  let n = 0;
  return text.replaceAll('\0', () => `$${++n}`);
}
