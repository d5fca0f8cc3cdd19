/* The client's own source as a page of a real browser would load it: types taken off, nothing bundled, and a place where
 * the page reports. */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '../../..');
const imports = { '@muster/client': '/client/src/index.ts', '@muster/protocol/errors': '/protocol/src/base/errors.ts' };

export type Page = AsyncDisposable & { url: string; reports: Record<string, unknown>[] };

/** `script` is a module; `report(value)` in it adds to `reports`. */
export async function servePage(script: string): Promise<Page> {
  const reports: Record<string, unknown>[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '', 'http://page');
    if (pathname === '/report') {
      const text = Buffer.concat((await request.toArray()) as Buffer[]).toString();
      reports.push(JSON.parse(text) as Record<string, unknown>);
      response.writeHead(204).end();
    } else if (/^\/(client|protocol)\/src\/[\w/-]+\.ts$/.test(pathname)) {
      const source = await readFile(join(packages, pathname), 'utf8');
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(stripTypeScriptTypes(source));
    } else response.writeHead(200, { 'content-type': 'text/html' }).end(html(script));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    reports,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const html = (script: string): string => `<!doctype html><meta charset="utf-8">
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
const report = (value) => fetch('/report', { method: 'POST', body: JSON.stringify(value) });
try {
${script}
} catch (error) {
  await report({ failed: String(error), reason: error.reason, stack: error.stack });
}
</script>`;
