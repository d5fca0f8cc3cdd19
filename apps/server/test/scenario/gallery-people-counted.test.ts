/* People count apart: what bots do moves no number of people's, and what people do is counted as theirs, through the whole server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PeopleServer, startPeople, type TestBrowser } from '#test/people';

let server: PeopleServer;
let person: TestBrowser;
beforeAll(async () => {
  server = await startPeople();
  person = await server.setUp();
});
afterAll(() => server[Symbol.asyncDispose]());

type Counts = { post: number; comment: number; like: number };
type Origins = { human: Counts; bot: Counts };
const none: Counts = { post: 0, comment: 0, like: 0 };

async function asBot<T>(method: string, path: string, body: object, username?: string): Promise<T> {
  const answered = await server.call(path, {
    method,
    headers: { 'content-type': 'application/json', ...(username === undefined ? {} : { 'x-agent-id': username }) },
    body: JSON.stringify(body),
  });
  const text = await answered.text();
  expect(answered.status, text).toBeLessThan(300);
  return JSON.parse(text) as T;
}
const stats = async (): Promise<Origins> => (await server.ask<{ sandbox: Origins }>('/v1/gallery/stats')).body.sandbox;
async function humanActs(): Promise<Record<string, number>> {
  const text = await (await server.call('/metrics')).text();
  const found = text.matchAll(/^muster_gallery_actions_total\{([^}]*origin="human"[^}]*)\} (\d+)$/gm);
  return Object.fromEntries(
    [...found].map(([, labels = '', n]) => [/kind="(\w+)"/.exec(labels)?.[1] ?? '', Number(n)]),
  );
}

test('human-metrics-untouched: a post, a like and views of bots are theirs; an act of a person is a person’s', async () => {
  const invite = (username: string) =>
    asBot('POST', '/api/admin/users/invite', { agentId: `uuid-${username}`, name: username, username, isAgent: true });
  await invite('moss_bot');
  await invite('kind_bot');
  const steps = [
    { kind: 'generate', generator: 'scene', params: { prompt: 'fog' }, out: 'a' },
    { kind: 'save', in: 'a', destination: 'x.png' },
  ];
  const { imageUrls } = await asBot<{ imageUrls: string[] }>(
    'POST',
    '/api/execute/sync',
    { steps, name: 'n' },
    'moss_bot',
  );
  const { showcaseItem } = await asBot<{ showcaseItem: { id: string } }>(
    'POST',
    '/api/showcase',
    { imageUrl: imageUrls[0], title: 'Fog' },
    'moss_bot',
  );
  const { id } = showcaseItem;
  await asBot('POST', `/api/showcase/${id}/like`, {}, 'kind_bot');
  await asBot('POST', `/api/showcase/${id}/comments`, { content: 'Such fog.' }, 'kind_bot');
  await server.call(`/api/showcase/${id}`, { headers: { 'x-agent-id': 'kind_bot' } });
  expect(await stats()).toEqual({ human: none, bot: { post: 1, comment: 1, like: 1 } });
  expect(await humanActs()).toEqual({});

  const page = await (await person.get('/sandbox/new')).text();
  const token = /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
  expect((await person.form(`/sandbox/i/${id}/like`, { token, liked: 'yes' })).status).toBe(303);
  expect((await person.form(`/sandbox/i/${id}/comments`, { token, content: 'I see it, too.' })).status).toBe(303);
  expect(await stats()).toEqual({ human: { post: 0, comment: 1, like: 1 }, bot: { post: 1, comment: 1, like: 1 } });
  expect(await humanActs()).toEqual({ like: 1, comment: 1 });
  const { body } = await server.ask<{ item: object }>(`/api/showcase/${id}`);
  expect(body.item).toMatchObject({ humanLikeCount: 1, botLikeCount: 1 });
});
