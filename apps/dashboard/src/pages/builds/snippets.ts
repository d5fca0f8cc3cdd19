import { serverUrl } from '../../api/place.ts';
import type { SnippetTab } from '../../parts/snippet.tsx';
import { snippetTabs } from '../../parts/snippet.tsx';

/* The same in other people's hands: curl, the command line and the SDK, with real ids. */

const auth = '-H "authorization: Bearer $MUSTER_API_KEY"';
const curl = (path: string, more = ''): string => `curl -fsS ${more}${auth} \\\n  "${serverUrl}${path}"`;
const post = (path: string, body: object): string =>
  `curl -fsS -X POST ${auth} -H 'content-type: application/json' \\\n  -d '${JSON.stringify(body)}' "${serverUrl}${path}"`;
const sdk = (lines: string): string =>
  `import { Client } from '@muster/client';\n\nconst client = new Client({ url: '${serverUrl}', credential: process.env.MUSTER_API_KEY });\n${lines}`;

/** What the command line's list takes; the rest of a filter is for the other two. */
const flags: ReadonlySet<string> = new Set(['state', 'queue', 'platform', 'tag', 'worker', 'since']);

export function listSnippets(filter: Readonly<Record<string, string | boolean | undefined>>): SnippetTab[] {
  const given = Object.entries(filter).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
  const query = new URLSearchParams(given.map(([name, value]) => [name, value])).toString();
  const cli = given
    .filter(([name]) => flags.has(name))
    .map(([name, value]) => ` --${name} '${value}'`)
    .join('');
  return snippetTabs({
    curl: curl(`/v1/builds${query === '' ? '' : `?${query}`}`),
    cli: `muster builds list${cli}`,
    sdk: sdk(`const { items } = await client.builds.list(${JSON.stringify(Object.fromEntries(given))});`),
  });
}

export const submitSnippets = (platform: string): SnippetTab[] =>
  snippetTabs({
    curl: `curl -fsS ${auth} \\\n  -F source=@source.zip -F 'build={"platform":"${platform}"}' \\\n  "${serverUrl}/v1/builds"`,
    cli: `muster builds submit . --platform ${platform}`,
    sdk: sdk(
      `const source = new Blob([await readFile('source.zip')]);\nconst build = await client.builds.submit({ platform: '${platform}' }, { source });`,
    ),
  });

export const readSnippets = (id: string): SnippetTab[] =>
  snippetTabs({
    curl: curl(`/v1/builds/${id}`),
    cli: `muster builds show ${id}`,
    sdk: sdk(`const build = await client.builds.get('${id}');`),
  });

export const tailSnippets = (id: string): SnippetTab[] =>
  snippetTabs({
    curl: curl(`/v1/stream/builds/${id}/log?offset=-1&live=sse`, '-N '),
    cli: `muster builds logs ${id} --follow`,
    sdk: sdk(
      `for await (const { records } of client.builds.log('${id}')) {\n  for (const line of records) console.log(line.text);\n}`,
    ),
  });

export const againSnippets = (id: string): SnippetTab[] =>
  snippetTabs({
    curl: post(`/v1/builds/${id}/retry`, {}),
    cli: `muster builds retry ${id}`,
    sdk: sdk(`const again = await client.builds.retry('${id}');`),
  });

export const stopSnippets = (id: string): SnippetTab[] =>
  snippetTabs({
    curl: post(`/v1/builds/${id}/cancel`, {}),
    cli: `muster builds cancel ${id}`,
    sdk: sdk(`await client.builds.cancel('${id}');`),
  });

/** One command that makes this machine a worker with a token that exists. */
export const workerCommand = (
  token: string,
  {
    platforms,
    labels,
    seats,
  }: { platforms: readonly string[]; labels: Readonly<Record<string, string>>; seats: number },
): string =>
  [
    `muster worker start --url ${serverUrl}`,
    `--token ${token}`,
    ...platforms.map((platform) => `--platform ${platform}`),
    ...Object.entries(labels).map(([key, value]) => `--label '${key}=${value}'`),
    ...(seats === 1 ? [] : [`--seats ${seats}`]),
    `--command "npm ci && npm run build" --artifact "dist/*"`,
  ].join(' \\\n  ');
