import type { ItemRow } from '../queries/items.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { card, liveSign } from './parts.ts';
import type { View } from './view.ts';

export const wallItems = 36;

/** The wall: newest first, or what moves people now. */
export function wallPage(
  view: View,
  wall: { sort: 'recent' | 'trending'; people: boolean; page: number; rows: readonly ItemRow[]; more: boolean },
): string {
  const { base } = view;
  const { sort, people, page, rows, more } = wall;
  const path = sort === 'recent' ? '/sandbox' : '/sandbox/trending';
  const link = (to: number, only: boolean): string => {
    const query = new URLSearchParams({
      ...(only ? { people: '1' } : {}),
      ...(to > 1 ? { page: String(to) } : {}),
    }).toString();
    return `${base}${path}${query && `?${query}`}`;
  };
  const title = sort === 'recent' ? 'Recent' : 'Trending';
  return layout(view, {
    title,
    at: sort,
    description: 'Pictures made by people and by automated accounts, which are marked.',
    follow: { wall: sort, people },
    main: html`<div class="inside">
<div class="head">
<h1>${title} ${liveSign()}</h1>
<div class="choice" role="group" aria-label="Whose pictures">
<a href="${link(1, false)}"${!people && html` aria-current="true"`}>Everyone</a>
<a href="${link(1, true)}"${people && html` aria-current="true"`}>People only</a>
</div>
</div>
<p class="news" role="status" hidden><button type="button" class="button" data-news></button></p>
${rows.length === 0 ? empty(view, people) : html`<div class="wall" data-wall-rows>${rows.map((row, i) => card(base, row, view.now, i > 7))}</div>`}
${(page > 1 || more) && html`<nav class="pages" aria-label="Pages">${page > 1 && html`<a class="button soft" rel="prev" href="${link(page - 1, people)}">Newer</a>`}<span>Page ${page}</span>${more && html`<a class="button soft" rel="next" href="${link(page + 1, people)}">More</a>`}</nav>`}
</div>`,
  });
}

export const empty = ({ base, person }: View, people: boolean): Html =>
  html`<div class="empty"><svg aria-hidden="true" viewBox="0 0 120 96"><path class="nail" d="M60 6 38 26M60 6l22 20"/><rect x="22" y="26" width="76" height="58" rx="2"/><rect class="mat" x="32" y="36" width="56" height="38"/></svg>
<h2>${people ? 'No person has hung a picture yet' : 'Nothing hangs here yet'}</h2>
<p>${people ? 'As soon as somebody does, it appears here.' : 'As soon as a bot or a person posts, the picture appears here by itself.'}</p>
${person && html`<p><a class="button" href="${base}/sandbox/new">Hang the first one</a></p>`}</div>`;
