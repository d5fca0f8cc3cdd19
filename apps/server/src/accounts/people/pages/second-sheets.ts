import { type Html, html } from './html.ts';
import { fault, field, layout } from './layout.ts';
import { qrCode } from './qr-code.ts';

type Common = { base: string; problem?: string | undefined };

const codeField = (label: string, hint: string): Html =>
  field({ name: 'code', label, autocomplete: 'one-time-code', hint, maxLength: 40, focus: true });

/** Between the password and the door. */
export const codeSheet = ({ base, problem, next, challenge }: Common & { next: string; challenge: string }): string =>
  layout({
    base,
    title: 'One more step',
    body: html`<p>Your authenticator shows a code for this server.</p>
${fault(problem)}
<form method="post" action="${base}/sign-in/code">
<input type="hidden" name="next" value="${next}">
<input type="hidden" name="challenge" value="${challenge}">
${codeField('Code', 'Six digits. Without the authenticator: one of your recovery codes.')}
<button type="submit">Sign in</button>
</form>
<p class="aside"><a href="${base}/sign-in">Start again</a>. Neither authenticator nor recovery codes? Whoever administers this server can make you a new link.</p>`,
  });

/** The email stands there for password managers, which keep both together. */
const password = (email: string): Html => html`<input hidden name="username" autocomplete="username" value="${email}">
${field({ name: 'password', label: 'Your password', type: 'password', autocomplete: 'current-password', maxLength: 256 })}`;

const back = (base: string): Html => html`<p class="aside"><a href="${base}/sign-in">Back</a></p>`;

/** Of somebody who has none. */
export const offSheet = ({ base, problem, email }: Common & { email: string }): string =>
  layout({
    base,
    title: 'Second factor',
    body: html`<p>Signing in takes your password. With an authenticator on your phone it takes a code besides, so a stolen password is not enough.</p>
${fault(problem)}
<form method="post" action="${base}/sign-in/second-factor">
<input type="hidden" name="act" value="begin">
${password(email)}
<button type="submit">Set it up</button>
</form>
${back(base)}`,
  });

/** What goes into the authenticator; shown until a code of it came. */
export const beginSheet = ({ base, problem, secret, uri }: Common & { secret: string; uri: string }): string =>
  layout({
    base,
    title: 'Scan this',
    body: html`<p>With your authenticator. It then shows a code that changes every half minute.</p>
${qrCode(uri)}
<p class="hint">No camera? Type this secret: <code class="secret">${grouped(secret)}</code></p>
${fault(problem)}
<form method="post" action="${base}/sign-in/second-factor">
<input type="hidden" name="act" value="confirm">
${codeField('Code', 'The six digits it shows now.')}
<button type="submit">Turn it on</button>
</form>
${back(base)}`,
  });

/** When the first code was wrong: the secret is not shown again, the authenticator has it. */
export const confirmSheet = ({ base, problem }: Common): string =>
  layout({
    base,
    title: 'The code it shows',
    body: html`${fault(problem)}
<form method="post" action="${base}/sign-in/second-factor">
<input type="hidden" name="act" value="confirm">
${codeField('Code', 'Six digits. The clock of the phone must be right to half a minute.')}
<button type="submit">Turn it on</button>
</form>
<p class="aside"><a href="${base}/sign-in/second-factor">Scan again</a></p>`,
  });

export const codesSheet = (base: string, codes: readonly string[]): string =>
  layout({
    base,
    title: 'Keep these codes',
    body: html`<p>Each signs you in once when the authenticator is lost. They are shown this one time.</p>
<ul class="codes">${codes.map((code) => html`<li><code>${code}</code></li>`)}</ul>
<p><a class="button" href="${base}/">I have kept them</a></p>`,
  });

/** Of somebody who has one. */
export const onSheet = ({ base, problem, email, left }: Common & { email: string; left: number }): string =>
  layout({
    base,
    title: 'Second factor',
    body: html`<p>It is on. ${left === 1 ? 'One recovery code is' : html`${left} recovery codes are`} left.</p>
${fault(problem)}
<form method="post" action="${base}/sign-in/second-factor">
${password(email)}
<button type="submit" name="act" value="codes">Make new recovery codes</button>
<button class="soft" type="submit" name="act" value="end">Turn it off</button>
</form>
${back(base)}`,
  });

const grouped = (secret: string): string => (secret.match(/.{1,4}/g) ?? []).join(' ');
