import { type Html, html } from './html.ts';

/** `base`: the path this server is reached below, without a last slash. */
export type Sheet = { base: string; title: string; body: Html };

/** One sheet on a plain ground: what all pages of signing in look like. No script. */
export const layout = ({ base, title, body }: Sheet): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · Muster</title>
<link rel="icon" href="${base}/sign-in/icon.svg">
<link rel="stylesheet" href="${base}/sign-in/style.css">
</head>
<body>
<main>
<p class="brand"><svg aria-hidden="true" viewBox="0 0 24 24"><rect x="3" y="3" width="7.500" height="7.500" rx="1.500"/><rect x="13.500" y="3" width="7.500" height="7.500" rx="1.500"/><rect x="3" y="13.500" width="7.500" height="7.500" rx="1.500"/><circle cx="17.250" cy="17.250" r="3.750"/></svg>Muster</p>
<section class="sheet">
<h1>${title}</h1>
${body}
</section>
</main>
</body>
</html>
`.text;

/** What went wrong, where everybody hears it. */
export const fault = (text: string | undefined): Html =>
  text === undefined ? html`` : html`<p class="fault" role="alert" id="fault"><strong>Not done.</strong> ${text}</p>`;

export type Field = {
  name: string;
  label: string;
  type?: 'text' | 'email' | 'password';
  value?: string | undefined;
  autocomplete: string;
  hint?: string;
  /** How a keyboard on a screen shall look. */
  inputMode?: 'numeric';
  minLength?: number;
  maxLength: number;
  focus?: boolean;
};

export function field({
  name,
  label,
  type = 'text',
  value,
  autocomplete,
  hint,
  inputMode,
  minLength,
  maxLength,
  focus,
}: Field): Html {
  return html`<div class="field">
<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" required${value !== undefined && html` value="${value}"`} autocomplete="${autocomplete}"${inputMode !== undefined && html` inputmode="${inputMode}"`}${minLength !== undefined && html` minlength="${minLength}"`} maxlength="${maxLength}"${hint !== undefined && html` aria-describedby="${name}-hint"`}${focus === true && html` autofocus`}${type !== 'text' && html` autocapitalize="none" spellcheck="false"`}>
${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}
</div>`;
}
