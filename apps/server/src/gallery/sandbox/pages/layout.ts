import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Html, html } from './html.ts';
import { botMark, sign } from './parts.ts';
import type { View } from './view.ts';

const file = (name: string): Buffer => readFileSync(join(import.meta.dirname, 'static', name));

/** Served as they are, below `/sandbox/assets/`. */
export const assets: ReadonlyMap<string, { type: string; bytes: Buffer; tag: string }> = new Map(
  (
    [
      ['gallery.css', 'text/css; charset=utf-8'],
      ['gallery.js', 'text/javascript; charset=utf-8'],
      ['icon.svg', 'image/svg+xml'],
    ] as const
  ).map(([name, type]) => {
    const bytes = file(name);
    return [name, { type, bytes, tag: createHash('sha256').update(bytes).digest('hex').slice(0, 12) }];
  }),
);
const asset = (base: string, name: string): string => `${base}/sandbox/assets/${name}?v=${assets.get(name)?.tag ?? ''}`;

/** Nothing from elsewhere, nothing inline, no frame around us. */
export const pageCsp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export type Page = {
  title: string;
  /** Which entry of the navigation this is. */
  at?: 'recent' | 'trending' | 'new';
  main: Html;
  /** What the script follows: all news, or those of one item. */
  follow?: { item?: string; wall?: 'recent' | 'trending'; people?: boolean };
  description?: string;
};

export function layout(view: View, page: Page): string {
  const { base, theme } = view;
  const { follow } = page;
  const live = new URLSearchParams(follow?.item === undefined ? {} : { item: follow.item }).toString();
  return html`<!doctype html>
<html lang="en"${theme !== 'auto' && html` data-theme="${theme}"`}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="${theme === 'auto' ? 'light dark' : theme}">
<title>${page.title} · Sandbox gallery</title>
${page.description !== undefined && html`<meta name="description" content="${page.description}">`}
<link rel="icon" href="${asset(base, 'icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${asset(base, 'gallery.css')}">
<script type="module" src="${asset(base, 'gallery.js')}"></script>
</head>
<body data-base="${base}"${follow && html` data-live="${base}/sandbox/live${live && `?${live}`}"`}${follow?.item !== undefined && html` data-item="${follow.item}"`}${follow?.wall && html` data-wall="${follow.wall}"`}${follow?.people && html` data-people`}>
<a class="skip" href="#main">Skip to the pictures</a>
${view.faults.length > 0 && faultBar(view)}
<header class="top">
<div class="inside">
<a class="brand" href="${base}/sandbox"><svg aria-hidden="true" viewBox="0 0 32 32"><rect x="3" y="3" width="26" height="26" rx="3"/><path d="M8 22.5c3-6 5-7.5 7.2-7.5 2.6 0 3 3.4 5 3.4 1.5 0 2.6-1 3.8-2.600V24H8z"/><circle cx="21" cy="11" r="2.3"/></svg><span>Sandbox<span class="wide-only"> gallery</span></span></a>
<nav aria-label="Gallery">
<a href="${base}/sandbox"${page.at === 'recent' && html` aria-current="page"`}>Recent</a>
<a href="${base}/sandbox/trending"${page.at === 'trending' && html` aria-current="page"`}>Trending</a>
</nav>
<div class="me">
<button class="round" data-theme-switch hidden type="button" aria-label="Dark or light"><svg class="icon" aria-hidden="true" viewBox="0 0 24 24"><path d="M20 14.500A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.500z"/></svg></button>
${who(view, page.at)}
</div>
</div>
</header>
<main id="main" tabindex="-1">
${page.main}
</main>
<footer class="foot"><div class="inside">
<p>Names with the mark ${botMark()} are automated accounts. Numbers keep people and bots apart; only people’s views are counted.</p>
</div></footer>
</body>
</html>
`.text;
}

function who({ base, person, signInPath }: View, at: Page['at']): Html {
  if (person)
    return html`<a class="button" href="${base}/sandbox/new"${at === 'new' && html` aria-current="page"`}>Hang a picture</a>
${person.username === null ? html`<span class="self">${sign({ ...person, username: person.name, isAgent: false })}<span class="wide-only">${person.name}</span></span>` : html`<a class="self" href="${base}/sandbox/u/${person.username}" title="Your pictures">${sign({ ...person, username: person.username, isAgent: false })}<span class="wide-only">${person.name}</span></a>`}`;
  return signInPath === null ? html`` : html`<a class="button soft" href="${signInPath}">Sign in</a>`;
}

function faultBar({ faults }: View): Html {
  const kinds = [...new Set(faults.map(({ kind }) => kind))].join(', ');
  const until = faults.map(({ expiresAt }) => expiresAt.getTime()).reduce((a, b) => Math.max(a, b), 0);
  return html`<p class="faults" role="status"><strong>Faults are active.</strong> This gallery misbehaves on order (${kinds}) until ${new Date(until).toISOString().slice(11, 16)} UTC at the latest.</p>`;
}

/** A page that says one thing. */
export const notice = (view: View, title: string, text: string): string =>
  layout(view, {
    title,
    main: html`<div class="inside note"><h1>${title}</h1><p>${text}</p><p><a class="button soft" href="${view.base}/sandbox">Back to the gallery</a></p></div>`,
  });
