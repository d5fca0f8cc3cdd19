import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { notFound } from '#kernel/base';
import { type Answer, answer, type Routes } from './http.ts';
import { listing, type ManualPage, renderMarkdown, wholePage } from './manual-page.ts';

/* The guides at /docs/<area>/<page>, as they lie in the docs folder of the installation: readable HTML, and the source itself with
 * `.md`. What a request names is looked up in the list of what is there, and never becomes part of a path. */

const csp =
  "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const areaPattern = /^[a-z0-9-]+$/;
const pagePattern = /^([A-Za-z0-9-]+)\.md$/;

/** The pages of one folder, rendered when asked for and again when a file changed. */
export class Manual {
  readonly #folder: string;
  readonly #rendered = new Map<string, { mtimeMs: number; title: string; html: string }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Every page, by area and name; none where the folder was not installed. */
  async pages(): Promise<ManualPage[]> {
    const areas = (await namesIn(this.#folder)).filter((name) => areaPattern.test(name));
    const found = await Promise.all(
      areas.map(async (area) =>
        (await namesIn(join(this.#folder, area))).flatMap((name) => {
          const page = pagePattern.exec(name)?.[1];
          return page === undefined ? [] : [{ area, page }];
        }),
      ),
    );
    return found.flat();
  }

  async source({ area, page }: ManualPage): Promise<string> {
    return readFile(this.#fileOf({ area, page }), 'utf8');
  }

  /** `at` is one of `pages()`. */
  async html(at: ManualPage, pages: readonly ManualPage[]): Promise<string> {
    const key = `${at.area}/${at.page}`;
    const { mtimeMs } = await stat(this.#fileOf(at));
    let known = this.#rendered.get(key);
    if (known?.mtimeMs !== mtimeMs) {
      known = { mtimeMs, ...renderMarkdown(await this.source(at), at) };
      this.#rendered.set(key, known);
    }
    return wholePage(known.title, listing(pages, '../', at), known.html, '../');
  }

  #fileOf({ area, page }: ManualPage): string {
    return join(this.#folder, area, `${page}.md`);
  }
}

const namesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch((): string[] => [])).toSorted();

export function registerManual(routes: Routes, manual: Manual): void {
  routes.route({
    method: 'GET',
    auth: 'open',
    hidden: true,
    path: '/docs/:area/:page',
    summary: 'A page of the guides',
    handle: async ({ params }) => {
      const pages = await manual.pages();
      const asked = params['page'] ?? '';
      const at = pages.find(({ area, page }) => area === params['area'] && (asked === page || asked === `${page}.md`));
      if (!at) {
        const names = pages.map(({ area, page }) => `/docs/${area}/${page}`);
        throw notFound(
          'no_such_path',
          names.length === 0
            ? 'The guides are not installed here.'
            : `There is no such page. There are ${names.join(', ')}.`,
        );
      }
      return asked.endsWith('.md')
        ? text(await manual.source(at), 'text/markdown; charset=utf-8')
        : text(await manual.html(at, pages), 'text/html; charset=utf-8');
    },
  });
}

const text = (body: string, type: string): Answer =>
  answer(200, body, { 'content-type': type, 'content-security-policy': csp, 'cache-control': 'max-age=300' });
