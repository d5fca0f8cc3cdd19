/*
 * Every route of the reference × everybody who may come: without a credential, each role, a stranger's page, and an administrator of
 * another project who knows the ids of this one.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sourceZip } from '#test/builds-server';
import { type PeopleServer, startPeople, type TestBrowser } from '#test/people';

let server: PeopleServer;
let admin: TestBrowser;
let other: TestBrowser;
const roles: Record<string, TestBrowser> = {};

beforeAll(async () => {
  server = await startPeople();
  admin = await server.setUp();
  for (const role of ['viewer', 'operator', 'admin']) roles[role] = await server.member(role, `${role}@example.com`);
  const { body } = await admin.api<{ id: string }>('/v1/projects', { json: { name: 'second' } });
  other = await server.member('admin', 'otto@example.com', body.id);
});
afterAll(() => server[Symbol.asyncDispose]());

type Operation = { description?: string; security?: Record<string, unknown>[] };
type Call = { method: string; path: string; scope: string | undefined; open: boolean; forPeople: boolean };

function everyCall(): Call[] {
  const { paths } = server.app.http.openapi() as { paths: Record<string, Record<string, Operation>> };
  // Numbers for machines: open on loopback, with a token of their own elsewhere.
  const asked = Object.entries(paths).filter(([path]) => path !== '/metrics');
  return asked.flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([method]) => ['get', 'post', 'put', 'patch', 'delete'].includes(method))
      .map(([method, { description = '', security = [] }]) => ({
        method: method.toUpperCase(),
        path,
        scope: /Needs the scope `([a-z:]+)`/.exec(description)?.[1],
        open: security.length === 0,
        forPeople: security.some((scheme) => 'signIn' in scheme),
      })),
  );
}

const levelOf: Record<string, string[]> = {
  viewer: ['read'],
  operator: ['read', 'operate'],
  admin: ['read', 'operate', 'admin'],
};
const nobodyHas = 'x';
const filled = (path: string): string => path.replaceAll(/\{\w+\}/g, nobodyHas);
/** Calls about whoever makes them: every role may, and they would end the sign-ins that the others need. */
const own = /^\/v1\/(sign-ins|me\/|views)/;
/** Their right is the operation's to ask, with a token or a path of its own. */
const byTheThing = (call: Call): boolean => call.path.startsWith('/v1/stream/') || own.test(call.path);

test('who has no credential is told so, on every route that is not open', async () => {
  const calls = everyCall().filter(({ open }) => !open);
  const letIn: string[] = [];
  for (const { method, path } of calls) {
    const response = await server.call(filled(path), { method, key: null });
    if (response.status !== 401) letIn.push(`${method} ${path} ${response.status}`);
  }
  expect(letIn).toEqual([]);
  expect(calls.length).toBeGreaterThan(100);
});

test.each(['viewer', 'operator', 'admin'])(
  '%s: exactly what the role holds, on every route with a scope',
  async (role) => {
    const browser = roles[role];
    if (!browser) throw new Error('no such role');
    const wrong: string[] = [];
    let asked = 0;
    for (const call of everyCall()) {
      const { method, path, scope, forPeople } = call;
      if (scope === undefined || !forPeople || byTheThing(call)) continue;
      // What ends what the test stands on is for the tests of these routes.
      if (/panic|release|bulk|pause|seed/.test(path) && role === 'admin') continue;
      asked += 1;
      const holds = levelOf[role]?.includes(scope.split(':')[1] ?? '') === true;
      const answer = await browser.api(filled(path), { method, ...(method === 'GET' ? {} : { json: {} }) });
      const refused = answer.status === 403 && answer.body['reason'] === 'missing_scope';
      if (answer.status === 401 || refused === holds) wrong.push(`${method} ${path} ${scope} ${answer.status}`);
      if (refused && answer.body['scope'] !== scope)
        wrong.push(`${method} ${path} names ${String(answer.body['scope'])}`);
    }
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(60);
  },
);

test('a page of somebody else changes nothing with the cookie of an administrator, on every route', async () => {
  const headers = { origin: 'https://evil.example' };
  const wrong: string[] = [];
  let asked = 0;
  for (const { method, path, forPeople } of everyCall()) {
    if (!forPeople) continue;
    asked += 1;
    const isRead = method === 'GET';
    const { status, body } = await admin.api(filled(path), { method, headers, ...(isRead ? {} : { json: {} }) });
    const reason = (body as { reason?: string } | undefined)?.reason;
    // Where only tokens are taken the cookie is not looked at.
    const asNobody = status === 401 && reason === 'no_credential';
    if (!asNobody && (isRead || status !== 403 || reason !== 'cross_site'))
      wrong.push(`${method} ${path} ${status} ${reason}`);
  }
  expect(wrong).toEqual([]);
  expect(asked).toBeGreaterThan(100);
  expect((await admin.api('/v1/me')).status).toBe(200);
});

test('a form of a page of ours changes nothing either: calls are JSON or uploads', async () => {
  for (const type of ['application/x-www-form-urlencoded', 'text/plain']) {
    for (const [path, json] of [
      ['/v1/keys', { name: 'x', scopes: ['builds:read'] }],
      ['/v1/projects', { name: 'by form' }],
    ] as const) {
      const headers = { 'content-type': type, 'sec-fetch-site': 'same-origin' };
      expect(await admin.api(path, { json, headers }), type).toMatchObject({
        status: 403,
        body: { reason: 'cross_site' },
      });
    }
  }
});

test('things of another project are not there, on every route that names one', async () => {
  const made = async (path: string, json: unknown): Promise<string> => {
    const { status, body } = await admin.api<{ id: string }>(path, { json });
    expect(status, path).toBeLessThan(300);
    return body.id;
  };
  const form = new FormData();
  form.set('build', JSON.stringify({ platform: 'ios' }));
  form.set('source', new Blob([new Uint8Array(sourceZip())]), 'source.zip');
  const submitted = await server.ask<{ id: string }>('/v1/builds', { method: 'POST', body: form });
  expect(submitted.status).toBe(201);
  const buildId = submitted.body.id;
  const worker = await admin.api<{ worker: { id: string } }>('/v1/workers', {
    json: { name: 'w', platforms: ['ios'] },
  });
  const { body: viewer } = await (roles['viewer'] ?? admin).api<{ id: string; signInId: string }>('/v1/me');
  const ids: [RegExp, string][] = [
    [/^\/v1\/builds\/\{id\}/, buildId],
    [/^\/v1\/workers\/\{id\}/, worker.body.worker.id],
    [/^\/v1\/keys\/\{id\}/, await made('/v1/keys', { name: 'k', scopes: ['builds:read'] })],
    [/^\/v1\/invites\/\{id\}/, await made('/v1/invites', { role: 'viewer' })],
    [/^\/v1\/people\/\{id\}/, viewer.id],
    [/^\/v1\/gallery\/bots\/\{id\}/, await made('/v1/gallery/bots', { name: 'Moss', username: 'moss' })],
  ];
  const seen: string[] = [];
  const wrong: string[] = [];
  for (const { method, path, forPeople } of everyCall()) {
    const known = ids.find(([of]) => of.test(path));
    // Only who administers the installation makes a link to a password, whatever projects they share.
    if (!known || !forPeople || path.endsWith('/reset-link')) continue;
    const at = path
      .replace('{id}', known[1])
      .replace('{signInId}', viewer.signInId)
      .replaceAll(/\{\w+\}/g, nobodyHas);
    const { status } = await other.api(at, { method, ...(method === 'GET' ? {} : { json: {} }) });
    seen.push(path);
    // 400: what is wrong with the body is said before anything is looked for. 401: only tokens are taken there.
    if (![400, 401, 404, 415].includes(status)) wrong.push(`${method} ${path} ${status}`);
    if (method === 'GET' && status !== 404) wrong.push(`${method} ${path} ${status}`);
  }
  expect(wrong).toEqual([]);
  expect(seen.length).toBeGreaterThan(30);
  expect((await admin.api(`/v1/builds/${buildId}`)).body).toMatchObject({ state: 'queued' });
});
