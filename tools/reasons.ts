import { parseSync } from 'oxc-parser';
import { type ErrorCode, errorCodes, httpStatusOf } from '../packages/protocol/src/base/errors.ts';
import { failureCodes, stopReasons, waitingReasons } from '../packages/protocol/src/builds/reasons.ts';
import {
  galleryFailures,
  galleryWaitingReasons,
  guardReasons,
  skipReasons,
} from '../packages/protocol/src/gallery/reasons.ts';
import { readSources } from './tidy/graph.ts';

/** A word the product answers with, and how: the errors it is the `reason` of, and where in the source it stands. */
export type Reason = { word: string; answers: Set<string>; where: Set<string>; details: Set<string> };

type Node = { type: string; start: number; end: number; [key: string]: unknown };
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
const isCode = (name: unknown): name is ErrorCode => (errorCodes as readonly unknown[]).includes(name);
const isWord = (text: string): boolean => /^[a-z]+(?:_[a-z]+)*$/.test(text);

/** The console shows reasons of the server and has none of its own. */
const production = (path: string): boolean =>
  /^(apps|packages)\/(?!dashboard\/)[a-z]+\/src\//.test(path) && !path.endsWith('.test.ts');

/** Words of the code that no answer and no log line of an operator ever carries. */
const unseen: Readonly<Record<string, string>> = {
  none: 'stands for "no reason" in metrics',
  legacy: 'old paths answer with a text and have no reasons',
};

/** Reasons that are put together: what stands in the source, and the words it can become. */
const composed: Readonly<Record<string, readonly string[]>> = {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the source text itself
  '`${purpose}_too_large`': ['source_too_large', 'certs_too_large', 'artifact_too_large'],
};

/**
 * Every reason in the source: first arguments of `invalid(…)` and its seven sisters and of functions that only hand one
 * on, `reason` properties, lists called `reasons`, `refuse:…` cells of transition tables, unions called `…Reason`, failure
 * codes, waiting reasons, stop reasons, skips and refused texts of gallery bots, what `/ready` says.
 */
export function readReasons(): Map<string, Reason> {
  const reasons = new Map<string, Reason>();
  const add = (word: string, where: string, answer?: string, detail?: string): void => {
    if (!isWord(word) || word in unseen) return;
    const found = reasons.get(word) ?? { word, answers: new Set(), where: new Set(), details: new Set() };
    reasons.set(word, found);
    found.where.add(where);
    if (answer !== undefined) found.answers.add(answer);
    if (detail !== undefined) found.details.add(detail);
  };
  for (const word of [...Object.keys(failureCodes), ...waitingReasons, ...stopReasons])
    add(word, 'packages/protocol/src/builds/reasons.ts');
  const ofBots = [
    ...Object.keys(galleryWaitingReasons),
    ...Object.keys(galleryFailures),
    ...skipReasons,
    ...guardReasons,
  ];
  for (const word of ofBots) add(word, 'packages/protocol/src/gallery/reasons.ts');
  // What `/ready` says of the process itself stands in a list without a name.
  add('starting', 'apps/server/src/kernel/http/health.ts', 'unavailable 503');
  const sources = readSources().filter((file) => production(file.path));
  for (const { path, text } of sources) {
    const handsOn = wrappersIn(text);
    const sourceOf = (node: unknown): string => (isNode(node) ? text.slice(node.start, node.end) : '');
    walk(parseSync(path, text).program, (node) => {
      // A schema that refuses by a reason of its own says it in front of its sentence.
      const [, own] = path.startsWith('packages/protocol/') ? (/^([a-z]+_[a-z_]+): /.exec(textOf(node)) ?? []) : [];
      if (own !== undefined) add(own, path, `invalid ${httpStatusOf.invalid}`);
      // A statement that moves many rows says of each why not.
      if (node.type === 'TemplateLiteral')
        for (const [, cases = ''] of sourceOf(node).matchAll(/case((?:(?!\bcase\b)[^])*?)end as blocked/g))
          for (const [, word = ''] of cases.matchAll(/then '([a-z_]+)'/g)) add(word, path);
      if (node.type === 'Literal' && typeof node['value'] === 'string' && node['value'].startsWith('refuse:'))
        add(node['value'].slice('refuse:'.length), path, `conflict ${httpStatusOf.conflict}`);
      if (node.type === 'CallExpression') {
        const code = nameOf(node['callee']);
        const [reason, detail, rest] = listOf(node['arguments']);
        const given = typeof code === 'string' ? (isCode(code) ? code : handsOn.get(code)) : undefined;
        if (given !== undefined)
          for (const word of [...wordsOf(reason), ...composedOf(sourceOf(reason))])
            add(word, path, answerOf(given, rest), sourceOf(detail));
        for (const word of wordsOf(readyWord(node))) add(word, path, 'unavailable 503');
      }
      if (node.type === 'VariableDeclarator' && nameOf(node['id']) === 'reasons')
        for (const word of textsIn(node['init'])) add(word, path);
      const union = node.type === 'TSTypeAliasDeclaration' ? node['typeAnnotation'] : undefined;
      if (String(nameOf(node['id'])).endsWith('Reason') && isNode(union) && union.type === 'TSUnionType')
        for (const word of textsIn(union)) add(word, path);
      if (node.type === 'NewExpression' && nameOf(node['callee']) === 'MusterError') {
        const [code, init] = listOf(node['arguments']);
        for (const name of wordsOf(code))
          if (isCode(name))
            for (const word of wordsOf(propertyOf(init, 'reason')))
              add(word, path, answerOf(name, init), sourceOf(propertyOf(init, 'detail')));
      }
      if (node.type === 'ObjectExpression')
        for (const name of ['reason', 'degraded']) for (const word of wordsOf(propertyOf(node, name))) add(word, path);
    });
  }
  return reasons;
}

const answerOf = (code: ErrorCode, rest: unknown): string => {
  const status = propertyOf(rest, 'status');
  return `${code} ${isNode(status) && typeof status['value'] === 'number' ? status['value'] : httpStatusOf[code]}`;
};

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  if (!isNode(value)) return;
  visit(value);
  for (const key of Object.keys(value)) if (key !== 'type' && key !== 'parent') walk(value[key], visit);
}

function composedOf(source: string): readonly string[] {
  if (!source.startsWith('`')) return [];
  const words = composed[source];
  if (words) return words;
  throw new Error(`the reason ${source} is put together; say in tools/reasons.ts which words it can become`);
}

/** Functions whose first parameter is the reason and goes into an error: `refusal(reason, …)`, `wrong(reason, …)`. */
function wrappersIn(text: string): Map<string, ErrorCode> {
  const found = new Map<string, ErrorCode>([['refusal', 'unavailable']]);
  for (const [, name = '', code] of text.matchAll(
    /(?:const|function) (\w+)(?: = )?\(reason: string\b[^]{0,200}?\b(\w+)\(reason,/g,
  ))
    if (isCode(code)) found.set(name, code);
  return found;
}

/** What `http.readiness(() => … ? undefined : 'word')` may say. */
function readyWord(call: Node): unknown {
  const callee = call['callee'];
  if (!isNode(callee) || nameOf(callee['property']) !== 'readiness') return undefined;
  const [act] = listOf(call['arguments']);
  return isNode(act) ? act['body'] : undefined;
}

/** Every text below a node. */
function textsIn(value: unknown): string[] {
  const texts: string[] = [];
  walk(value, (node) => {
    if (node.type === 'Literal' && typeof node['value'] === 'string') texts.push(node['value']);
  });
  return texts;
}

const textOf = ({ type, value }: Node): string => (type === 'Literal' && typeof value === 'string' ? value : '');
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const nameOf = (value: unknown): unknown => (isNode(value) && value.type === 'Identifier' ? value['name'] : undefined);

function propertyOf(object: unknown, name: string): unknown {
  if (!isNode(object) || object.type !== 'ObjectExpression') return undefined;
  const found = listOf(object['properties']).find(
    (item) => isNode(item) && item.type === 'Property' && nameOf(item['key']) === name,
  );
  return isNode(found) ? found['value'] : undefined;
}

/** The texts an expression may be: a literal, either branch of a choice, a literal kept as const. */
function wordsOf(value: unknown): string[] {
  if (!isNode(value)) return [];
  if (value.type === 'Literal') return typeof value['value'] === 'string' ? [value['value']] : [];
  if (value.type === 'ConditionalExpression') return [...wordsOf(value['consequent']), ...wordsOf(value['alternate'])];
  if (value.type === 'LogicalExpression') return [...wordsOf(value['left']), ...wordsOf(value['right'])];
  if (value.type === 'TSAsExpression' || value.type === 'ParenthesizedExpression') return wordsOf(value['expression']);
  return [];
}
