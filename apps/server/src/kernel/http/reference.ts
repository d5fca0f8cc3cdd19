import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { notFound } from '#kernel/base';
import { type Answer, answer, type Routes } from './http.ts';
import { Manual, registerManual } from './manual.ts';
import { listing } from './manual-page.ts';

/* The API reference at /docs, with links to the guides: swagger-ui from node_modules, our own page and start script, nothing from outside, no
 * inline script. Style elements are the one thing swagger-ui needs inline. */

const pageWith = (guides: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Muster API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="stylesheet" href="docs/manual.css">
</head>
<body>
<div class="page reference">
<nav aria-label="Guides">
${guides}
</nav>
</div>
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

const startScript = `window.SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: false,
  validatorUrl: null,
});
`;

const csp =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const assets: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

/** The guides of this installation. */
const guides = new Manual(join(import.meta.dirname, '../../../../../docs'));
const styleFile = join(import.meta.dirname, 'manual.css');

export function registerReference(routes: Routes, openapi: () => Record<string, unknown>): void {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const text = (body: string | Buffer, type: string): Answer =>
    answer(200, body, { 'content-type': type, 'content-security-policy': csp, 'cache-control': 'max-age=3600' });
  const common = { method: 'GET', auth: 'open', hidden: true } as const;

  routes.route({
    ...common,
    path: '/openapi.json',
    cors: 'public',
    summary: 'This document',
    handle: () => answer(200, openapi(), { 'cache-control': 'no-cache' }),
  });
  routes.route({
    ...common,
    path: '/docs',
    summary: 'The reference',
    handle: async () => text(pageWith(listing(await guides.pages(), 'docs/')), 'text/html; charset=utf-8'),
  });
  routes.route({
    ...common,
    path: '/docs/:file',
    summary: 'Parts of the reference',
    handle: async ({ params }) => {
      const file = params['file'] ?? '';
      if (file === 'start.js') return text(startScript, 'text/javascript; charset=utf-8');
      if (file === 'manual.css') return text(await readFile(styleFile), 'text/css; charset=utf-8');
      const type = assets[file];
      if (type === undefined)
        throw notFound('no_such_path', `The reference has no part ${JSON.stringify(file.slice(0, 64))}.`);
      return text(await readFile(join(folder, file)), type);
    },
  });
  registerManual(routes, guides);
}
