/* House law as a test: each rule prints what it found, why the rule exists and what to do instead. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSources, root } from './tidy/graph.ts';
import { folderCycles, rules } from './tidy/rules.ts';

const files = readSources();
const edges = files.flatMap((file) => file.imports.flatMap(({ to }) => (to ? [`${file.path} → ${to}`] : [])));
const source = files.filter(
  (file) => /^(apps|packages)\//.test(file.path) && !/\.test\.tsx?$|\/test\//.test(file.path),
);
const known = new Set(files.map((file) => file.path));

describe('tidy', () => {
  it('saw the whole house', () => {
    const lines = source.reduce((sum, file) => sum + file.lines, 0);
    const long = source.filter((file) => file.lines > 500);
    const share = long.reduce((sum, file) => sum + file.lines, 0) / lines;
    process.stdout.write(
      `tidy: ${files.length} files, ${edges.length} edges, ${lines} source lines, ${(100 * share).toFixed(1)} % of them in ${long.length} files over 500 lines\n`,
    );
    // A parser that sees nothing finds nothing: a low count is a broken tool, not a clean house.
    expect(files.length).toBeGreaterThan(150);
    expect(edges.length).toBeGreaterThan(400);
    expect(share, long.map((file) => `${file.path} ${file.lines}`).join('\n')).toBeLessThan(0.15);
  });

  it('every import of ours leads to a file', () => {
    const dead = files.flatMap((file) =>
      file.imports.flatMap((item) =>
        item.to && !known.has(item.to) && !existsSync(join(root, item.to))
          ? [`${file.path}:${item.line} ${item.specifier}`]
          : [],
      ),
    );
    expect(dead).toEqual([]);
  });

  for (const rule of rules) {
    it(rule.name, () => {
      const findings = rule.check(files).map(({ where, what }) => `${where}  ${what}`);
      expect(findings, `${findings.join('\n')}\nwhy: ${rule.why}\ninstead: ${rule.instead}\n`).toEqual([]);
    });
  }

  it('no folder imports in a ring', () => {
    expect(folderCycles(files)).toEqual([]);
  });

  it('every rule can fail', () => {
    const file = (path: string, text: Partial<(typeof files)[number]>) => ({
      path,
      lines: 1,
      text: '',
      imports: [],
      uses: [],
      words: [],
      ...text,
    });
    const at = (to: string, specifier = to) => [{ specifier, line: 1, to }];
    const broken = [
      file('apps/server/src/kernel/db/a.ts', { imports: at('apps/server/src/builds/index.ts', '#builds') }),
      file('apps/server/src/builds/a.ts', { imports: at('apps/server/src/kernel/db/sql.ts', '../kernel/db/sql.ts') }),
      file('packages/protocol/src/a.ts', { imports: at('packages/client/src/index.ts', '@muster/client') }),
      file('apps/server/src/builds/b.ts', {
        imports: [{ specifier: 'pg', line: 1, to: undefined }],
        uses: ['Date.now', 'process.env', 'process.exit'].map((name) => ({ name, line: 1 })),
      }),
      file('apps/server/src/builds/b.test.ts', { uses: [{ name: 'setTimeout', line: 1 }] }),
      file('apps/dashboard/src/parts/a.tsx', {
        imports: at('apps/dashboard/src/pages/builds/page.tsx'),
        text: ['dangerously', 'SetInnerHTML'].join(''),
        words: [{ text: 'Hello', line: 1 }],
      }),
      file('apps/dashboard/src/api/a.ts', { imports: at('packages/protocol/src/index.ts', '@muster/protocol') }),
      file('apps/server/src/builds/utils.ts', { text: ['// TO', 'DO later'].join('') }),
    ];
    const silent = rules.filter((rule) => rule.check(broken).length === 0).map((rule) => rule.name);
    expect(silent).toEqual([]);
    expect(
      folderCycles([
        file('apps/a/b/x.ts', { imports: at('apps/a/c/y.ts') }),
        file('apps/a/c/y.ts', { imports: at('apps/a/b/x.ts') }),
      ]),
    ).toHaveLength(1);
  });
});

describe('docs', () => {
  const pages = markdown(root).filter((path) => !path.startsWith('node_modules'));

  it('links lead somewhere', () => {
    const dead = pages.flatMap((page) =>
      [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].flatMap(
        ([, link]) =>
          link && !existsSync(join(root, dirname(page), decodeURIComponent(link))) ? [`${page} → ${link}`] : [],
      ),
    );
    expect(dead).toEqual([]);
  });

  it('life-of pages name files and symbols that exist', () => {
    const wrong = pages
      .filter((page) => page.startsWith('docs/life-of/'))
      .flatMap((page) =>
        [...readFileSync(join(root, page), 'utf8').matchAll(/`([\w./-]+\.tsx?)(?:#(\w+))?`/g)].map(
          ([, path, symbol]) => ({ page, path, symbol }),
        ),
      )
      .flatMap(({ page, path, symbol }) => {
        const file = files.find((candidate) => candidate.path === path);
        if (!file) return [`${page}: no file ${path}`];
        return symbol && !new RegExp(`\\b${symbol}\\b`).test(file.text) ? [`${page}: no ${symbol} in ${path}`] : [];
      });
    expect(wrong).toEqual([]);
  });
});

function markdown(folder: string, prefix = ''): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${prefix}${entry.name}`;
    if (entry.isDirectory())
      return /^(node_modules|dist|data|data-demo|\..*)$/.test(entry.name)
        ? []
        : markdown(join(folder, entry.name), `${path}/`);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}
