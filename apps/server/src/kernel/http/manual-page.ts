import { posix } from 'node:path';
import { Marked } from 'marked';

/** A page of the guides: `operate`, `install`. */
export type ManualPage = { area: string; page: string };

export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** The anchors that code hosts give to headings, so that links work in both places; a repeated one gets a number. */
function anchors(): (heading: string) => string {
  const seen = new Map<string, number>();
  return (heading) => {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  };
}

/**
 * Where a link of a page leads when the page is served: other pages lose their `.md`, files beside the guides are not served
 * (`undefined`), and what is neither relative nor plain http leads nowhere.
 */
function servedAt(href: string, { area }: ManualPage): string | undefined {
  if (/^(https?:\/\/|mailto:|#)/.test(href)) return href;
  if (/^[a-z][a-z0-9+.-]*:|^\//i.test(href)) return undefined;
  const [path = '', anchor] = href.split('#', 2);
  const target = posix.normalize(posix.join(area, path));
  const found = /^([a-z0-9-]+)\/([A-Za-z0-9-]+)\.md$/.exec(target);
  return found ? `../${found[1]}/${found[2]}${anchor === undefined ? '' : `#${anchor}`}` : undefined;
}

/** The body of a page. Raw HTML in it is shown as text. */
export function renderMarkdown(markdown: string, at: ManualPage): { title: string; html: string } {
  const anchorOf = anchors();
  let title = '';
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const inner = this.parser.parseInline(tokens);
        const plain = this.parser.parseInline(tokens, this.parser.textRenderer);
        title ||= plain;
        return `<h${depth} id="${escapeHtml(anchorOf(plain))}">${inner}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const inner = this.parser.parseInline(tokens);
        const to = servedAt(href, at);
        return to === undefined ? inner : `<a href="${escapeHtml(to)}">${inner}</a>`;
      },
      html: ({ text }) => escapeHtml(text),
    },
  });
  const html = marked.parse(markdown, { async: false });
  return { title: title || at.page, html };
}

/** Every page by area; `to` is the way from where the list stands to `/docs/`. */
export function listing(pages: readonly ManualPage[], to: string, here?: ManualPage): string {
  const areas = Map.groupBy(pages, ({ area }) => area);
  const link = ({ area, page }: ManualPage): string => {
    const current = here?.area === area && here.page === page ? ' aria-current="page"' : '';
    return `<li><a href="${to}${area}/${page}"${current}>${escapeHtml(nameOf(page))}</a></li>`;
  };
  return [...areas]
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([area, inside]) => `<ul><li class="area">${escapeHtml(area)}</li>${inside.map(link).join('')}</ul>`)
    .join('\n');
}

const nameOf = (page: string): string => page.replaceAll('-', ' ');

/** What people look for first stands first; why things are as they are, last. */
const order = ['guides', 'operate', 'life-of', 'decisions'];
const rank = (area: string): number => (order.includes(area) ? order.indexOf(area) : order.length);

export const wholePage = (title: string, nav: string, body: string, to: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · Muster</title>
<link rel="stylesheet" href="${to}manual.css">
</head>
<body class="page">
<nav aria-label="Guides">
<ul><li class="area">Muster</li><li><a href="${to}../docs">API reference</a></li></ul>
${nav}
</nav>
<main>
${body}</main>
</body>
</html>
`;
