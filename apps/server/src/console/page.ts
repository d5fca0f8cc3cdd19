import type { Build } from './bundle.ts';

/** What the theme switch keeps; `system` follows the setting of the device. */
export const themes = ['light', 'dark', 'system'] as const;
export type Theme = (typeof themes)[number];
const themeCookie = 'muster_theme';

export function themeIn(cookies: string | undefined): Theme {
  for (const part of (cookies ?? '').split(';')) {
    const [name, value] = part.split('=', 2).map((word) => word.trim());
    const found = name === themeCookie ? themes.find((theme) => theme === value) : undefined;
    if (found) return found;
  }
  return 'system';
}

/**
 * The page for one request. Its marks are replaced, not added to, so a page that was built without them is an error here and
 * not a console that looks for its parts at the wrong place.
 */
export function renderPage(build: Build, basePath: string, theme: Theme): string {
  const marks = [
    ['data-theme="system"', `data-theme="${theme}"`],
    ['<base href="/" />', `<base href="${quoted(basePath)}/" />`],
    ['<meta name="muster-build" content="" />', `<meta name="muster-build" content="${build.id}" />`],
  ] as const;
  return marks.reduce((page, [from, to]) => {
    if (!page.includes(from)) throw new Error(`invariant broken: the built page has no ${from}`);
    return page.replace(from, to);
  }, build.page);
}

export const pagePolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "font-src 'self'",
  "worker-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** What is said instead of a console that was never built. */
export const absentPage = (basePath: string, why: string | undefined): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>No console · Muster</title>
<link rel="icon" href="${quoted(basePath)}/sign-in/icon.svg">
<link rel="stylesheet" href="${quoted(basePath)}/sign-in/style.css">
</head>
<body>
<main>
<section class="sheet">
<h1>The console is not built</h1>
<p>The server runs, and everything but this page works: the API, workers, streams, the gallery. To have the console, start with <b>npm start</b>, which builds it, and read what it says.</p>
${why === undefined ? '' : `<p>What the last try said:</p>\n<p class="key">${quoted(why)}</p>`}
<p class="ways"><a href="${quoted(basePath)}/docs">API reference and guides</a> <a href="${quoted(basePath)}/sandbox">Sandbox gallery</a> <a href="${quoted(basePath)}/sign-in">Sign in</a></p>
</section>
</main>
</body>
</html>
`;

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const quoted = (text: string): string => text.replaceAll(/[&<>"]/g, (sign) => entities[sign] ?? '');
