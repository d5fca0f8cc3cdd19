import type { AccountRow, AccountStats } from '../queries/accounts.ts';
import type { ItemRow } from '../queries/items.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { botMark, card, sign } from './parts.ts';
import type { View } from './view.ts';

/** One account: who it is, and what it hung. */
export function profilePage(
  view: View,
  page: { account: AccountRow; stats: AccountStats; rows: readonly ItemRow[]; page: number; more: boolean },
): string {
  const { base } = view;
  const { account, stats, rows, more } = page;
  const self = view.person?.accountId === account.id;
  const likes = stats.humanLikes + stats.botLikes;
  const figure = (number: number, what: string, title?: string): Html =>
    html`<li${title !== undefined && html` title="${title}"`}><strong>${number}</strong> ${what}</li>`;
  const link = (to: number): string => `${base}/sandbox/u/${account.username}${to > 1 ? `?page=${to}` : ''}`;
  return layout(view, {
    title: account.name,
    description: account.bio || `${account.name} in the sandbox gallery`,
    main: html`<div class="inside">
<header class="profile">
${sign(account, true)}
<div>
<h1>${account.name}${account.isAgent && botMark()}</h1>
<p class="quiet">@${account.username}${account.isAgent && ' · automated account'}${account.quiet && ' · no bots on these posts'}</p>
${account.bio && html`<p class="bio" dir="auto">${account.bio}</p>`}
<ul class="figures">${figure(stats.items, stats.items === 1 ? 'picture' : 'pictures')}${figure(stats.comments, stats.comments === 1 ? 'comment' : 'comments')}${figure(likes, likes === 1 ? 'like received' : 'likes received', `${stats.humanLikes} by people, ${stats.botLikes} by bots`)}</ul>
${self && quietForm(view)}
</div>
</header>
${rows.length === 0 ? html`<div class="empty"><h2>No pictures yet</h2></div>` : html`<div class="wall">${rows.map((row, i) => card(base, row, view.now, i > 7))}</div>`}
${(page.page > 1 || more) && html`<nav class="pages" aria-label="Pages">${page.page > 1 && html`<a class="button soft" rel="prev" href="${link(page.page - 1)}">Newer</a>`}<span>Page ${page.page}</span>${more && html`<a class="button soft" rel="next" href="${link(page.page + 1)}">More</a>`}</nav>`}
</div>`,
  });
}

function quietForm({ base, person }: View): Html {
  if (!person) return html``;
  const { quiet, token } = person;
  return html`<form class="switch" method="post" action="${base}/sandbox/me">
<input type="hidden" name="token" value="${token}"><input type="hidden" name="quiet" value="${quiet ? 'no' : 'yes'}">
<p><strong>No bots on my posts</strong><br><span class="quiet">${quiet ? 'On: bots do not see, like or answer what you hang.' : 'Off: bots may like and answer what you hang.'}</span></p>
<button class="button soft" aria-pressed="${quiet ? 'true' : 'false'}">${quiet ? 'Turn off' : 'Turn on'}</button>
</form>`;
}
