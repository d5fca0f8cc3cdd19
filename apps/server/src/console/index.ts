/** Serves the console: one page for all its paths, and the files it is built of. */
import { notFound, type Service } from '#kernel/base';
import { type Answer, answer, type Http, type RequestHead } from '#kernel/http';
import type { Logger } from '#kernel/telemetry';
import { type Build, Bundle } from './bundle.ts';
import { absentPage, pagePolicy, renderPage, themeIn } from './page.ts';
import { isReserved, movedTo } from './paths.ts';

export type ConsoleDeps = {
  /** Where the build is, with its `current.json`. */
  folder: string;
  /** The path this server is reached below, without a last slash; empty when there is none. */
  basePath: string;
  logger: Logger;
};

/** `start` reads what is built; before `http.start`. */
export type Console = Service & {
  routes(http: Http): void;
  /** Names the build that is served; `undefined` when there is none. From memory. */
  build(): string | undefined;
};

export function createConsole({ folder, basePath, logger }: ConsoleDeps): Console {
  const bundle = new Bundle(folder, logger);
  return {
    async start() {
      const build = await bundle.refresh();
      if (!build) logger.warn({ folder }, 'the console is not built; its pages say so');
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
    build: () => bundle.build?.id,
    routes(http) {
      http.pages((head) => consolePage(bundle, basePath, head));
      http.route({
        method: 'GET',
        path: '/assets/:file',
        auth: 'open',
        rate: 'exempt',
        hidden: true,
        summary: 'A built file of the console',
        handle: ({ params, headers }) =>
          asset(bundle, params['file'] ?? '', headers['accept-encoding']?.toString() ?? ''),
      });
    },
  };
}

function asset(bundle: Bundle, file: string, accepted: string): Answer {
  const found = bundle.asset(`assets/${file}`, accepted);
  if (!found)
    throw notFound('no_such_path', 'The console has no such part. Reload the page: it may be of an older build.');
  const { type, bytes, encoding, open } = found;
  return answer(200, open(), {
    'content-type': type,
    'content-length': String(bytes),
    // Its name changes with what is in it.
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
  });
}

/** `undefined`: not a path of the console, or not asked for as a page. */
async function consolePage(bundle: Bundle, basePath: string, head: RequestHead): Promise<Answer | undefined> {
  const { path, headers } = head;
  if (isReserved(path) || (path !== '/' && !wantsPage(headers.accept))) return undefined;
  const to = movedTo(path);
  if (to !== undefined) return answer(302, undefined, { location: `${basePath}${to}`, 'cache-control': 'no-store' });
  const build = await bundle.refresh();
  return build ? page(build, basePath, head) : absent(basePath, await bundle.whyNone());
}

const wantsPage = (accept: string | undefined): boolean => accept?.includes('text/html') === true;

function page(build: Build, basePath: string, { headers }: RequestHead): Answer {
  const theme = themeIn(headers.cookie);
  const etag = `"${build.id}-${theme}"`;
  // A 304 renews the headers a browser has kept, so it carries the same policy.
  const common = { 'cache-control': 'no-cache', etag, vary: 'cookie', 'content-security-policy': pagePolicy };
  const known = headers['if-none-match']?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
  if (known === true) return answer(304, undefined, common);
  return answer(200, renderPage(build, basePath, theme), {
    ...common,
    'content-type': 'text/html; charset=utf-8',
  });
}

const absent = (basePath: string, why: string | undefined): Answer =>
  answer(503, absentPage(basePath, why), {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  });
