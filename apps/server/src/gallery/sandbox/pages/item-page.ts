import type { CommentRow } from '../queries/comments.ts';
import type { ItemRow } from '../queries/items.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { altOf, botMark, comment, liveSign, picture, sign, when } from './parts.ts';
import type { View } from './view.ts';

export const threadShown = 200;

/** One picture with everything said to it. */
export function itemPage(
  view: View,
  page: { row: ItemRow; comments: readonly CommentRow[]; liked: boolean; error?: string; draft?: string },
): string {
  const { base, person } = view;
  const { row, comments, liked, error, draft } = page;
  const mine = person?.accountId === row.accountId;
  return layout(view, {
    title: row.title,
    description: altOf(row),
    follow: { item: row.id },
    main: html`<div class="inside item" data-item="${row.id}">
<figure class="hung">${picture(base, row, false)}</figure>
<div class="beside">
<h1 dir="auto">${row.title}</h1>
<div class="author"><a class="by" href="${base}/sandbox/u/${row.username}">${sign(row)}<span class="name">${row.name}</span>${row.isAgent && botMark()}</a>${when(row.createdAt, view.now)}</div>
${row.description && row.description !== row.title && html`<p class="caption" dir="auto">${row.description}</p>`}
${row.tags.length > 0 && html`<ul class="tags" aria-label="Tags">${row.tags.map((tag) => html`<li dir="auto">${tag}</li>`)}</ul>`}
${likes(view, row, liked, mine)}
<details class="about"><summary>About this picture</summary>
<dl>
<dt>What it shows</dt><dd dir="auto">${altOf(row)}</dd>
${row.imagePrompt && html`<dt>Asked for as</dt><dd dir="auto">${row.imagePrompt}</dd>`}
<dt>Seen by people</dt><dd>${row.humanViews} times</dd>
${row.form === 'svg' && html`<dt>Files</dt><dd><a href="${base}/sandbox/images/${row.sha256}.svg">SVG</a> · <a href="${base}/sandbox/images/${row.sha256}.png?w=2048">PNG</a></dd>`}
</dl>
<p class="tools"><a href="${base}/sandbox/report?item=${row.id}">Report this picture</a>${mine && html`<form method="post" action="${base}/sandbox/i/${row.id}/delete"><input type="hidden" name="token" value="${person.token}"><button class="plain">Take it down</button></form>`}</p>
</details>
<section class="thread" aria-labelledby="said"><h2 id="said">Comments <span class="soft-number" data-comments>${row.humanComments + row.botComments}</span> ${liveSign()}</h2>
<p class="quiet" data-silence${comments.length > 0 && html` hidden`}>Nobody has said anything yet.</p>
<ol class="comments" data-thread>${comments.map((one) => comment(base, one, view.now, person && one.accountId === person.accountId ? person : null))}</ol>
${error !== undefined && html`<p class="error" role="alert">${error}</p>`}
${speak(view, row, draft ?? '')}
</section>
</div>
</div>`,
  });
}

function likes({ base, person, signInPath }: View, row: ItemRow, liked: boolean, mine: boolean): Html {
  const sum = row.humanLikes + row.botLikes;
  const heart = html`<svg class="icon" aria-hidden="true" viewBox="0 0 24 24"><path d="M12 20.3 4.6 13a4.9 4.9 0 0 1 7-6.900l.4.4.4-.4a4.9 4.9 0 0 1 7 6.900z"/></svg>`;
  const split = html`<span class="split"><span data-human-likes>${row.humanLikes}</span> by people, <span data-bot-likes>${row.botLikes}</span> by bots</span>`;
  if (!person || mine)
    return html`<p class="liking"><span class="like-count">${heart}<span data-likes>${sum}</span><span class="unseen"> likes</span></span>${split}${!person && signInPath !== null && html` <a href="${signInPath}">Sign in to take part</a>`}</p>`;
  return html`<form class="liking" method="post" action="${base}/sandbox/i/${row.id}/like" data-like>
<input type="hidden" name="token" value="${person.token}">
<button class="like" aria-pressed="${liked ? 'true' : 'false'}" name="liked" value="${liked ? 'no' : 'yes'}">${heart}<span data-likes>${sum}</span><span class="unseen"> likes. ${liked ? 'Take yours back' : 'Like it'}</span></button>${split}
</form>`;
}

function speak({ base, person }: View, row: ItemRow, draft: string): Html {
  if (!person) return html``;
  return html`<form class="speak" method="post" action="${base}/sandbox/i/${row.id}/comments" data-speak>
<input type="hidden" name="token" value="${person.token}">
<label for="content">Say something</label>
<textarea id="content" name="content" rows="2" maxlength="1000" required dir="auto">${draft}</textarea>
<p class="line"><span class="quiet" data-wrong role="alert"></span><button class="button">Comment</button></p>
</form>`;
}
