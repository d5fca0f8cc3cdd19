/* What pages have open by the cookie of a sign-in: the socket and streams, whose they are, and how they end with a right. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSocket, RefusedUpgrade, type TestSocket } from '#test/muster-socket';
import { type PeopleServer, startPeople, type TestBrowser } from '#test/people';

const defaultProject = 'prj_00000000000000000000000000';
let server: PeopleServer;
let admin: TestBrowser;
let second: string;
const open: TestSocket[] = [];

beforeAll(async () => {
  server = await startPeople();
  admin = await server.setUp();
  second = (await admin.api<{ id: string }>('/v1/projects', { json: { name: 'second' } })).body.id;
  const made = await server.call('/v1/stream/notes/a', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '["one"]',
  });
  expect(made.status).toBe(201);
});
afterAll(async () => {
  for (const socket of open) await socket[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

type Opened = { origin?: string; query?: string; silent?: boolean; headers?: Record<string, string> };
async function socketOf(browser: TestBrowser | undefined, asked: Opened = {}): Promise<TestSocket> {
  const { origin = server.url, query = '?by=cookie', silent = false } = asked;
  const cookie = browser ? { cookie: `other=1; muster_session=${browser.cookie}` } : {};
  const socket = await openSocket(server.url, { query, silent, headers: { origin, ...cookie, ...asked.headers } });
  open.push(socket);
  return socket;
}
const member = async (role: string, email: string): Promise<{ browser: TestBrowser; id: string }> => {
  const browser = await server.member(role, email);
  return { browser, id: (await browser.api<{ id: string }>('/v1/me')).body.id };
};
const setRole = (id: string, role: string) =>
  admin.api(`/v1/projects/${defaultProject}/members/${id}`, { method: 'PATCH', json: { role } });

// Changes are told at once; without being told the server looks every minute, which is too late here.
describe('the socket', { timeout: 30_000 }, () => {
  test('is ready at once for somebody who signed in, in the project they chose', async () => {
    const { id } = (await admin.api<{ id: string }>('/v1/me')).body;
    const socket = await socketOf(admin);
    expect(socket.frames[0]).toMatchObject({
      t: 'ready',
      who: `person:${id}`,
      project: defaultProject,
      expiresAt: null,
    });
    expect(await socket.ask({ t: 'sub', ref: 1, stream: 'notes/a', after: '-1' })).toMatchObject({ t: 'ok' });
    expect(await socket.frame(({ t }) => t === 'batch')).toMatchObject({ records: ['one'] });
    const other = await socketOf(admin, { query: `?by=cookie&project=${second}` });
    expect(other.frames[0]).toMatchObject({ t: 'ready', project: second });
    expect(await other.ask({ t: 'sub', ref: 1, stream: 'notes/a', after: '-1' })).toMatchObject({
      t: 'err',
      reason: 'stream_unknown',
    });
    const none = await socketOf(admin, { query: '?by=cookie&project=prj_nothing', silent: true });
    expect(await none.frame(({ t }) => t === 'err')).toMatchObject({ reason: 'no_such_project' });
    expect(await none.closed).toMatchObject({ code: 4403 });
  });

  test('tells at once that nobody is signed in', async () => {
    const stale = server.browser();
    stale.setCookie(`${'a'.repeat(32)}.${'b'.repeat(43)}`);
    for (const browser of [undefined, stale]) {
      const socket = await socketOf(browser, { silent: true });
      expect(await socket.frame(({ t }) => t === 'err')).toMatchObject({ reason: 'no_credential' });
      expect(await socket.closed).toMatchObject({ code: 4401, reason: 'no_credential' });
    }
  });

  test('is opened by pages of this server only', async () => {
    const { port } = new URL(server.url);
    const foreign: Opened[] = [
      { origin: 'https://evil.example' },
      { origin: `http://127.0.0.1:${Number(port) + 1}` },
      { origin: 'null' },
      { headers: { 'sec-fetch-site': 'same-site' } },
      { headers: { 'sec-fetch-site': 'cross-site' } },
    ];
    for (const asked of foreign) {
      const refused = await socketOf(admin, { ...asked, silent: true }).catch((error: unknown) => error);
      expect(refused, JSON.stringify(asked)).toBeInstanceOf(RefusedUpgrade);
      expect(refused).toMatchObject({ status: 403, problem: { code: 'forbidden', reason: 'cross_site' } });
    }
  });

  test('that a page of somebody else opens is nobody’s, whatever cookies came along: it may still bring a token of its own', async () => {
    const asked = { origin: 'https://shop.example', query: '', silent: true };
    const mute = await socketOf(admin, asked);
    mute.send({ t: 'sub', ref: 1, stream: 'notes/a', after: '-1' });
    expect(await mute.frame(({ t }) => t === 'err')).toMatchObject({ code: 'forbidden', reason: 'cross_site' });
    expect(await mute.closed).toMatchObject({ code: 4403, reason: 'cross_site' });
    const own = await socketOf(admin, asked);
    const { secret } = await server.makeKey('streams:read');
    own.send({ t: 'auth', ref: 1, token: secret });
    expect(await own.answer(1)).toMatchObject({ t: 'ready', who: expect.stringMatching(/^key:/) });
  });

  test('does by role what calls do', async () => {
    const { browser } = await member('viewer', 'vic@example.com');
    const socket = await socketOf(browser);
    expect(await socket.ask({ t: 'sub', ref: 1, stream: 'builds/events', after: 'now' })).toMatchObject({ t: 'ok' });
    expect(await socket.ask({ t: 'append', ref: 2, stream: 'notes/a', records: [1] })).toMatchObject({
      t: 'err',
      reason: 'scope_missing',
    });
  });

  test('loses with a lower role, at once, what the role does not hold, and is told', async () => {
    const { browser, id } = await member('operator', 'oli@example.com');
    const socket = await socketOf(browser);
    expect(await socket.ask({ t: 'append', ref: 1, stream: 'notes/a', records: ['two'] })).toMatchObject({ t: 'ok' });
    expect((await setRole(id, 'viewer')).status).toBe(200);
    const rights = await socket.frame(({ t }) => t === 'rights');
    expect(rights).toMatchObject({ role: 'viewer', installationAdmin: false });
    expect(rights['scopes']).not.toContain('streams:operate');
    expect(await socket.ask({ t: 'append', ref: 2, stream: 'notes/a', records: ['no'] })).toMatchObject({
      t: 'err',
      reason: 'scope_missing',
    });
    expect((await setRole(id, 'operator')).status).toBe(200);
    await socket.frame((frame) => frame.t === 'rights' && frame['role'] === 'operator');
    expect(await socket.ask({ t: 'append', ref: 3, stream: 'notes/a', records: ['again'] })).toMatchObject({ t: 'ok' });
  });

  test('ends when the person leaves the project, and reads on when it is archived', async () => {
    const { browser, id } = await member('operator', 'lea@example.com');
    const socket = await socketOf(browser);
    const path = `/v1/projects/${defaultProject}/members/${id}`;
    expect((await admin.api(path, { method: 'DELETE' })).status).toBe(204);
    expect(await socket.frame(({ t }) => t === 'err')).toMatchObject({ reason: 'no_such_project' });
    expect(await socket.closed).toMatchObject({ code: 4403 });

    const there = await socketOf(admin, { query: `?by=cookie&project=${second}` });
    const archive = (archived: boolean) => admin.api(`/v1/projects/${second}`, { method: 'PATCH', json: { archived } });
    expect((await archive(true)).status).toBe(200);
    expect((await there.frame(({ t }) => t === 'rights'))['scopes']).not.toContain('streams:operate');
    expect((await archive(false)).status).toBe(200);
    expect(await there.frame((frame) => frame.t === 'rights' && JSON.stringify(frame).includes('streams:operate')));
  });

  test.each([
    ['signing out', (own: TestBrowser) => own.form('/sign-out', {})],
    [
      'ending all sign-ins of the person',
      async (_: TestBrowser, id: string) => admin.api(`/v1/people/${id}/end-sign-ins`, { method: 'POST' }),
    ],
    [
      'ending one sign-in of the person',
      async (own: TestBrowser, id: string) => {
        const { body } = await own.api<{ signInId: string }>('/v1/me');
        const list = await admin.api<{ items: { id: string }[] }>(`/v1/people/${id}/sign-ins`);
        expect(list.body.items.map((item) => item.id)).toContain(body.signInId);
        expect((await admin.api(`/v1/people/${id}/sign-ins/${body.signInId}`, { method: 'DELETE' })).status).toBe(204);
      },
    ],
    [
      'a new password set elsewhere',
      async (_: TestBrowser, id: string) => {
        const { body } = await admin.api<{ url: string }>(`/v1/people/${id}/reset-link`, { method: 'POST' });
        await server.browser().form(new URL(body.url).pathname, { password: 'nine loud geese at dusk' });
      },
    ],
  ])('ends at once with %s', async (what, act) => {
    const { browser, id } = await member('viewer', `${what.replaceAll(/\W/g, '-')}@example.com`);
    const socket = await socketOf(browser);
    await act(browser, id);
    expect(await socket.frame(({ t }) => t === 'err')).toMatchObject({
      code: 'unauthenticated',
      reason: 'sign_in_ended',
    });
    expect(await socket.closed).toMatchObject({ code: 4401, reason: 'sign_in_ended' });
  });
});

describe('streams over HTTP', () => {
  const page = (headers: Record<string, string> = {}) => ({ origin: server.url, ...headers });

  test('are read by the cookie, in the project that is named, and kept by nobody but this browser', async () => {
    const read = await admin.get('/v1/stream/notes/a?offset=-1');
    expect(read.status).toBe(200);
    expect(await read.json()).toContain('one');
    expect(read.headers.get('cache-control')).toBe('private, no-cache');
    expect(read.headers.get('vary')).toContain('Cookie');
    const again = await admin.get('/v1/stream/notes/a?offset=-1', { 'if-none-match': read.headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
    expect((await admin.get('/v1/stream/builds/events?offset=-1')).status).toBe(200);
    expect((await admin.get('/v1/stream/gallery/activity?offset=-1')).status).toBe(200);
    const head = await admin.api('/v1/stream/notes/a', { method: 'HEAD' });
    expect(head.status).toBe(200);
    for (const named of [{ 'muster-project': second }, { 'x-muster-project': second }])
      expect((await admin.get('/v1/stream/notes/a', named)).status).toBe(404);
    expect((await admin.get(`/v1/stream/notes/a?project=${second}`)).status).toBe(404);
    expect((await server.browser().get('/v1/stream/notes/a')).status).toBe(401);
  });

  test('are changed by pages of this server only, by role', async () => {
    const put = (browser: TestBrowser, headers: Record<string, string>) =>
      browser.api('/v1/stream/notes/b', { method: 'PUT', headers: { 'content-type': 'text/plain', ...headers } });
    const { browser: viewer } = await member('viewer', 'val@example.com');
    expect(await put(viewer, page())).toMatchObject({ status: 403, body: { reason: 'scope_missing' } });
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-site' }])
      expect(await put(admin, headers)).toMatchObject({ status: 403, body: { reason: 'cross_site' } });
    expect((await put(admin, page())).status).toBe(201);
    const foreign = await admin.get('/v1/stream/notes/a', { origin: 'https://evil.example' });
    expect(foreign.status).toBe(401);
    expect(foreign.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('that are followed end with the sign-in', async () => {
    const { browser } = await member('viewer', 'vio@example.com');
    const response = await browser.get('/v1/stream/notes/a?offset=-1&live=sse');
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const whole = response.text();
    await browser.form('/sign-out', {});
    expect(await whole).toContain('one');
    expect((await browser.get('/v1/stream/notes/a?offset=-1&live=sse')).status).toBe(401);
  });
});

test('every call of a page takes its project from the address too, for links and pictures', async () => {
  const key = await admin.api<{ id: string }>('/v1/keys', {
    json: { name: 'k', scopes: ['builds:read'] },
    project: second,
  });
  expect(key.status).toBe(201);
  const list = async (path: string) =>
    (await admin.api<{ items: { id: string }[] }>(path)).body.items.map(({ id }) => id);
  expect(await list(`/v1/keys?limit=5&project=${second}`)).toEqual([key.body.id]);
  expect(await list('/v1/keys?limit=5')).not.toContain(key.body.id);
  expect((await admin.api('/v1/keys?project=prj_nothing')).status).toBe(404);
  expect((await server.ask('/v1/keys?project=x')).status).toBe(400);
});
