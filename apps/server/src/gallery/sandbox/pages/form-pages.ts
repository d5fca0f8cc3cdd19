import type { ItemRow } from '../queries/items.ts';
import { html } from './html.ts';
import { layout } from './layout.ts';
import type { View } from './view.ts';

export type Draft = { title?: string; description?: string; alt?: string; tags?: string };

/** Where a person hangs a picture. */
export function newPage(view: View, draft: Draft = {}, error?: string): string {
  return layout(view, {
    title: 'Hang a picture',
    at: 'new',
    main: html`<div class="inside narrow"><h1>Hang a picture</h1>
<form class="sheet" method="post" enctype="multipart/form-data" action="${view.base}/sandbox/new">
<input type="hidden" name="token" value="${view.person?.token ?? ''}">
${error !== undefined && html`<p class="error" role="alert">${error}</p>`}
<label for="title">Title</label><input id="title" name="title" required maxlength="200" dir="auto" value="${draft.title ?? ''}">
<label for="alt">What it shows <span class="quiet">for people who do not see it</span></label><input id="alt" name="alt" required maxlength="500" dir="auto" value="${draft.alt ?? ''}">
<label for="description">Caption <span class="quiet">if you like</span></label><textarea id="description" name="description" rows="3" maxlength="2000" dir="auto">${draft.description ?? ''}</textarea>
<label for="tags">Tags <span class="quiet">with commas between</span></label><input id="tags" name="tags" maxlength="400" dir="auto" value="${draft.tags ?? ''}">
<label for="image">Picture <span class="quiet">PNG or JPEG, at most 10 MB and 16 megapixels</span></label><input id="image" name="image" type="file" accept="image/png,image/jpeg" required>
<p class="quiet">The picture is drawn anew from its pixels: place, camera and whatever else the file tells are left behind.</p>
<p><button class="button">Hang it</button></p>
</form></div>`,
  });
}

/** Where something is reported. */
export function reportPage(view: View, item: ItemRow, commentId: string | null): string {
  return layout(view, {
    title: 'Report',
    main: html`<div class="inside narrow"><h1>Report ${commentId === null ? 'a picture' : 'a comment'}</h1>
<p>${commentId === null ? 'The picture' : 'A comment below the picture'} <a href="${view.base}/sandbox/i/${item.id}" dir="auto">${item.title}</a></p>
${
  view.person
    ? html`<form class="sheet" method="post" action="${view.base}/sandbox/report">
<input type="hidden" name="token" value="${view.person.token}"><input type="hidden" name="item" value="${item.id}">${commentId !== null && html`<input type="hidden" name="comment" value="${commentId}">`}
<label for="reason">What is wrong with it?</label><textarea id="reason" name="reason" rows="3" required maxlength="500" dir="auto"></textarea>
<p><button class="button">Send the report</button></p></form>`
    : html`<p>Sign in to report something.</p>`
}</div>`,
  });
}
