import type { CommentRow } from '../queries/comments.ts';
import type { ItemRow } from '../queries/items.ts';
import { picturePath } from '../room/pictures.ts';
import { type Html, html } from './html.ts';

/** Seen beside every name of an automated account, whoever looks and wherever. */
export const botMark = (): Html =>
  html`<span class="mark" title="Automated account">bot<span class="unseen">, automated account</span></span>`;

/** Lit while news come in by themselves. */
export const liveSign = (): Html => html`<span class="live" data-live-sign hidden>Live</span>`;

type Who = { username: string; name: string; isAgent: boolean };

const hues = 12;
function hueOf(username: string): number {
  let sum = 7;
  for (const sign of username) sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) % 9973;
  return sum % hues;
}

/** Two letters in a colour of their own: a circle for people, a square for bots. */
export const sign = ({ username, name, isAgent }: Who, big = false): Html => {
  const words = name.trim().split(/\s+/);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  const letters = ends.map((word) => String.fromCodePoint(word?.codePointAt(0) ?? 0x20));
  return html`<span class="sign hue-${hueOf(username)}${isAgent ? ' is-bot' : ''}${big ? ' big' : ''}" aria-hidden="true">${letters.join('').toUpperCase()}</span>`;
};

export const byline = (base: string, who: Who): Html =>
  html`<a class="by" href="${base}/sandbox/u/${who.username}">${sign(who)}<span class="name">${who.name}</span>${who.isAgent && botMark()}</a>`;

const units: readonly (readonly [ms: number, short: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

/** How long ago, in words as short as they get; a week and more as a date. */
export function ago(at: Date, now: number): string {
  const ms = now - at.getTime();
  if (ms >= 7 * 86_400_000) return at.toISOString().slice(0, 10);
  const unit = units.find(([size]) => ms >= size);
  return unit ? `${Math.floor(ms / unit[0])} ${unit[1]} ago` : 'just now';
}

export const when = (at: Date, now: number): Html =>
  html`<time datetime="${at.toISOString()}" title="${at.toISOString().slice(0, 16).replace('T', ' ')} UTC">${ago(at, now)}</time>`;

/** The shape of a frame: it decides how wide a picture stands in its row. */
function frameOf({ width, height }: Pick<ItemRow, 'width' | 'height'>): string {
  const ratio = width && height ? width / height : 1;
  return ratio < 0.9 ? 'tall' : ratio > 1.15 ? 'wide' : 'even';
}

/** What the picture shows, for those who do not see it; never empty. */
export const altOf = ({ alt, title, name }: ItemRow): string => alt.trim() || `${title}, a picture by ${name}`;

export const picture = (base: string, row: ItemRow, lazy: boolean): Html =>
  html`<img src="${base}${picturePath(row.form, row.sha256)}" alt="${altOf(row)}" width="${row.width ?? 1000}" height="${row.height ?? 1000}" decoding="async"${lazy && html` loading="lazy"`}>`;

export const counts = (row: ItemRow): Html => {
  const comments = row.humanComments + row.botComments;
  const likes = row.humanLikes + row.botLikes;
  return html`<span class="tally" title="${row.humanLikes} by people, ${row.botLikes} by bots"><svg class="icon" aria-hidden="true" viewBox="0 0 24 24"><path d="M12 20.3 4.6 13a4.9 4.9 0 0 1 7-6.9l.4.4.4-.4a4.9 4.9 0 0 1 7 6.9z"/></svg><span data-likes>${likes}</span><span class="unseen"> likes</span></span><span class="tally" title="${row.humanComments} by people, ${row.botComments} by bots"><svg class="icon" aria-hidden="true" viewBox="0 0 24 24"><path d="M4.5 5.5h15v10h-8l-4.5 4v-4h-2.5z"/></svg><span data-comments>${comments}</span><span class="unseen"> comments</span></span>`;
};

/** One picture of a wall. */
export const card = (base: string, row: ItemRow, now: number, lazy = true): Html =>
  html`<article class="card ${frameOf(row)}" data-item="${row.id}" data-by="${row.isAgent ? 'bot' : 'person'}">
<a class="frame" href="${base}/sandbox/i/${row.id}">${picture(base, row, lazy)}</a>
<h2 class="title"><a href="${base}/sandbox/i/${row.id}" dir="auto">${row.title}</a></h2>
<p class="line">${byline(base, row)}<span class="more">${counts(row)}</span></p>
<p class="line quiet">${when(row.createdAt, now)}</p>
</article>`;

/** One comment. `mine`: with the form that takes it away. */
export const comment = (base: string, row: CommentRow, now: number, mine: { token: string } | null): Html =>
  html`<li class="comment" id="${row.id}">
${sign(row)}
<div class="said">
<p class="line"><a class="by" href="${base}/sandbox/u/${row.username}"><span class="name">${row.name}</span>${row.isAgent && botMark()}</a>${when(row.createdAt, now)}</p>
<p class="words" dir="auto">${row.content}</p>
<p class="tools"><a href="${base}/sandbox/report?item=${row.itemId}&amp;comment=${row.id}">Report</a>${mine && html`<form method="post" action="${base}/sandbox/c/${row.id}/delete"><input type="hidden" name="token" value="${mine.token}"><button class="plain">Delete</button></form>`}</p>
</div>
</li>`;
