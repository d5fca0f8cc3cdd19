import { type Html, html } from './html.ts';
import { fault, field, layout } from './layout.ts';

/** What somebody typed, shown again when it was not right; never a password. */
export type Typed = { name?: string | undefined; email?: string | undefined; withKey?: boolean };
type Common = { base: string; problem?: string | undefined; typed?: Typed };

const lengths = { name: 100, email: 254, password: 256 } as const;

const email = (value: string | undefined, focus = false): Html =>
  field({
    name: 'email',
    label: 'Email',
    type: 'email',
    value,
    autocomplete: 'username',
    maxLength: lengths.email,
    focus,
  });

const newPerson = ({
  name,
  email: address,
}: Typed): Html => html`${field({ name: 'name', label: 'Your name', value: name, autocomplete: 'name', maxLength: lengths.name, focus: name === undefined })}
${email(address)}
${field({
  name: 'password',
  label: 'Password',
  type: 'password',
  autocomplete: 'new-password',
  hint: 'At least 12 characters. A sentence of your own is best.',
  minLength: 12,
  maxLength: lengths.password,
  focus: name !== undefined,
})}`;

export const signInSheet = ({ base, problem, typed = {}, next }: Common & { next: string }): string =>
  layout({
    base,
    title: 'Sign in',
    body: html`${fault(problem)}
<form method="post" action="${base}/sign-in">
<input type="hidden" name="next" value="${next}">
${email(typed.email, typed.email === undefined)}
${field({ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', maxLength: lengths.password, focus: typed.email !== undefined })}
<button type="submit">Sign in</button>
</form>
<p class="aside">No account? Whoever administers this server can send you an invite.</p>`,
  });

export const setupSheet = ({ base, problem, typed = {}, token }: Common & { token: string }): string =>
  layout({
    base,
    title: 'Set up this server',
    body: html`<p>You make the first account. It administers the installation and the project <b>default</b>.</p>
${fault(problem)}
<form method="post" action="${base}/setup">
<input type="hidden" name="token" value="${token}">
${newPerson(typed)}
<div class="check"><input id="withKey" name="withKey" type="checkbox" value="yes"${typed.withKey === true && html` checked`}><label for="withKey">Also make an API key with every right, shown once on the next page</label></div>
<button type="submit">Make the account</button>
</form>`,
  });

export const keySheet = (base: string, key: string): string =>
  layout({
    base,
    title: 'You are the administrator',
    body: html`<p>This is the API key. It is shown this one time.</p>
<p class="key"><code>${key}</code></p>
<p><a class="button" href="${base}/">Open the console</a></p>`,
  });

type Invited = { token: string; project: string; role: string };
export const inviteSheet = ({ base, problem, typed = {}, token, project, role }: Common & Invited): string =>
  layout({
    base,
    title: `Join ${project}`,
    body: html`<p>You are invited to the project <b>${project}</b> as <b>${role}</b>.</p>
${fault(problem)}
<form method="post" action="${base}/invite/${token}">
${newPerson(typed)}
<button type="submit">Make the account and join</button>
</form>
<p class="aside">You have an account here? <a href="${base}/sign-in?next=${encodeURIComponent(`${base}/invite/${token}`)}">Sign in and join with it</a>.</p>`,
  });

export const joinSheet = ({ base, problem, token, project, role }: Common & Invited, name: string): string =>
  layout({
    base,
    title: `Join ${project}`,
    body: html`<p>You are invited to the project <b>${project}</b> as <b>${role}</b>. You are signed in as <b>${name}</b>.</p>
${fault(problem)}
<form method="post" action="${base}/invite/${token}">
<input type="hidden" name="join" value="yes">
<button type="submit">Join as ${name}</button>
</form>
${signOutForm(base, `${base}/invite/${token}`)}`,
  });

/** The email stands there for password managers, which keep both together. */
export const resetSheet = ({
  base,
  problem,
  token,
  email: address,
}: Common & { token: string; email: string }): string =>
  layout({
    base,
    title: 'Choose a new password',
    body: html`<p>For <b>${address}</b>. It ends every sign-in there is.</p>
${fault(problem)}
<form method="post" action="${base}/reset/${token}">
<input hidden name="username" autocomplete="username" value="${address}">
${field({ name: 'password', label: 'New password', type: 'password', autocomplete: 'new-password', hint: 'At least 12 characters. A sentence of your own is best.', minLength: 12, maxLength: lengths.password, focus: true })}
<button type="submit">Keep it and sign in</button>
</form>`,
  });

export const signOutForm = (
  base: string,
  next: string,
): Html => html`<form class="second" method="post" action="${base}/sign-out">
<input type="hidden" name="next" value="${next}">
<button class="soft" type="submit">Sign out</button>
</form>`;

/** For somebody who is signed in: who they are, and ways on. */
export const hereSheet = (
  base: string,
  person: { name: string; email: string; places: readonly { project: string; role: string }[] },
): string =>
  layout({
    base,
    title: 'You are signed in',
    body: html`<p><b>${person.name}</b><br><span class="quiet">${person.email}</span></p>
${person.places.length === 0 ? html`<p>You belong to no project yet.</p>` : html`<ul class="places">${person.places.map(({ project, role }) => html`<li><span>${project}</span> <span class="quiet">${role}</span></li>`)}</ul>`}
<p class="ways"><a href="${base}/">Console</a> <a href="${base}/sandbox">Sandbox gallery</a> <a href="${base}/docs">API reference and guides</a> <a href="${base}/sign-in/second-factor">Second factor</a></p>
${signOutForm(base, `${base}/sign-in`)}`,
  });

export const signOutSheet = (base: string, name: string | undefined): string =>
  layout({
    base,
    title: name === undefined ? 'You are signed out' : 'Sign out',
    body:
      name === undefined
        ? html`<p>Nobody is signed in in this browser.</p><p><a class="button" href="${base}/sign-in">Sign in</a></p>`
        : html`<p>You are signed in as <b>${name}</b>.</p>${signOutForm(base, `${base}/sign-out`)}`,
  });

/** For links that lead nowhere any more, and whatever else ends here. */
export const noticeSheet = (base: string, title: string, text: string): string =>
  layout({
    base,
    title,
    body: html`<p>${text}</p><p><a class="button" href="${base}/sign-in">Sign in</a></p>`,
  });
