/* What people may do by what they are: roles on every route, projects apart, invites, the last administrator. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { goodPassword, type PeopleServer, startPeople, type TestBrowser } from '#test/people';

let ahead = 0;
const clock = { ...systemClock, now: () => systemClock.now() + ahead };
const defaultProject = 'prj_00000000000000000000000000';

let server: PeopleServer;
let admin: TestBrowser;
let operator: TestBrowser;
let viewer: TestBrowser;
beforeAll(async () => {
  server = await startPeople({ options: { clock } });
  admin = await server.setUp();
  operator = await server.join(admin, 'operator', 'olga@example.com');
  viewer = await server.join(admin, 'viewer', 'vera@example.com');
});
afterAll(() => server[Symbol.asyncDispose]());

type Person = { id: string; email: string; role: string; installationAdmin: boolean };
const me = async (browser: TestBrowser): Promise<Person> => (await browser.api<Person>('/v1/me')).body;

test('a role is the level of that name in every area', async () => {
  expect((await viewer.api<{ scopes: string[] }>('/v1/me')).body.scopes).toEqual([
    'builds:read',
    'conversations:read',
    'meetings:read',
    'gallery:read',
    'streams:read',
    'accounts:read',
  ]);
  expect((await operator.api<{ scopes: string[] }>('/v1/me')).body.scopes).toContain('builds:operate');
  expect((await operator.api<{ scopes: string[] }>('/v1/me')).body.scopes).not.toContain('builds:admin');
  expect((await admin.api<{ scopes: string[] }>('/v1/me')).body.scopes).toContain('accounts:admin');
});

/** Calls that ask and keep nothing, with a body because the question is large. */
const readsByPost = ['post /v1/gallery/bots/{id}/preview', 'post /v1/gallery/personas/preview'];

test('a viewer reads every room and changes nothing, on every route of the reference', async () => {
  const document = server.app.http.openapi() as { paths: Record<string, Record<string, unknown>> };
  const own = /^\/v1\/(sign-ins|me\/|views)/;
  const spared = /^\/(health|ready|metrics)$|jwks/;
  const looked = { refused: 0, read: 0 };
  const letIn: string[] = [];
  for (const [path, operations] of Object.entries(document.paths)) {
    if (own.test(path) || spared.test(path)) continue;
    for (const method of Object.keys(operations)) {
      if (method === 'options' || method === 'head') continue;
      const isChange = method !== 'get';
      const { status } = await viewer.api(path.replaceAll(/\{\w+\}/g, 'x'), {
        method: method.toUpperCase(),
        ...(isChange ? { json: {} } : {}),
      });
      // 401: a route for tokens of workers and the like; 404: there is no `x` to read.
      if (isChange && status !== 401 && status !== 403) letIn.push(`${method} ${path}`);
      if (!isChange) expect([200, 400, 401, 403, 404], path).toContain(status);
      looked[isChange ? 'refused' : 'read'] += 1;
    }
  }
  expect(letIn.toSorted()).toEqual(readsByPost);
  expect(looked.refused).toBeGreaterThan(40);
  expect(looked.read).toBeGreaterThan(20);
});

test('of each room: viewer reads, operator operates, admin administers', async () => {
  const reads = ['/v1/builds', '/v1/workers', '/v1/gallery/bots', '/v1/gallery/fleet', '/v1/streams', '/v1/people'];
  for (const path of reads)
    for (const browser of [viewer, operator, admin]) expect((await browser.api(path)).status, path).toBe(200);
  const bot = { json: { name: 'Moss', personaId: 'nobody' } };
  const missing = (answer: { status: number; body: Record<string, unknown> }) =>
    answer.status === 403 && answer.body['reason'] === 'missing_scope' ? answer.body['scope'] : answer.status;
  expect(missing(await viewer.api('/v1/gallery/bots', bot))).toBe('gallery:operate');
  expect(missing(await operator.api('/v1/gallery/bots', bot))).toBe(400);
  expect(missing(await operator.api('/v1/keys', { json: { name: 'x', scopes: ['builds:read'] } }))).toBe(
    'accounts:admin',
  );
  expect(missing(await operator.api('/v1/audit'))).toBe('accounts:admin');
  expect(missing(await admin.api('/v1/audit'))).toBe(200);
  // Browser tokens end with the key that made them, so there must be one.
  expect((await admin.api('/v1/stream-tokens', { json: {} })).status).toBe(401);
});

test('what people do is in the audit under their id; keys they make are theirs', async () => {
  const made = await admin.api<{ id: string; createdBy: string; secret: string }>('/v1/keys', {
    json: { name: 'of ada', scopes: ['builds:read'] },
  });
  const { id } = await me(admin);
  expect(made).toMatchObject({ status: 201, body: { createdBy: id } });
  const audit = await admin.api<{ items: { actor: string; action: string }[] }>(`/v1/audit?subject=${made.body.id}`);
  expect(audit.body.items).toMatchObject([{ actor: `person:${id}`, action: 'key.created' }]);
});

describe('another project', () => {
  let project: string;
  let other: TestBrowser;
  beforeAll(async () => {
    const made = await admin.api<{ id: string }>('/v1/projects', { json: { name: 'second' } });
    expect(made.status).toBe(201);
    project = made.body.id;
    other = await server.join(admin, 'admin', 'otto@example.com', project);
  });

  test('what is in one is not there for the people of the other', async () => {
    const inFirst = await admin.api<{ id: string }>('/v1/keys', { json: { name: 'first', scopes: ['builds:read'] } });
    expect((await other.api<{ items: unknown[] }>('/v1/keys')).body.items).toEqual([]);
    expect((await other.api(`/v1/keys/${inFirst.body.id}/revoke`, { method: 'POST' })).status).toBe(404);
    expect((await other.api(`/v1/projects/${defaultProject}/members`)).status).toBe(404);
    const { id } = await me(viewer);
    expect(
      (await other.api(`/v1/projects/${project}/members/${id}`, { method: 'PATCH', json: { role: 'admin' } })).status,
    ).toBe(404);
    expect((await other.api(`/v1/people/${id}/end-sign-ins`, { method: 'POST' })).status).toBe(404);
    expect((await other.api<{ items: Person[] }>('/v1/people')).body.items.map(({ email }) => email)).toEqual([
      'otto@example.com',
      'ada@example.com',
    ]);
    expect((await other.api<{ items: { id: string }[] }>('/v1/projects')).body.items.map(({ id: at }) => at)).toEqual([
      project,
    ]);
  });

  test('is chosen by header, only where one belongs; without one it is the default or the only one', async () => {
    expect(await other.api('/v1/me')).toMatchObject({ status: 200, body: { projectId: project } });
    expect(await admin.api('/v1/me')).toMatchObject({ body: { projectId: defaultProject } });
    expect(await admin.api('/v1/me', { project })).toMatchObject({ body: { projectId: project, role: 'admin' } });
    expect(await other.api('/v1/me', { project: defaultProject })).toMatchObject({
      status: 404,
      body: { reason: 'no_such_project' },
    });
    expect((await other.api('/v1/keys', { project: 'prj_nothing' })).status).toBe(404);
    expect((await viewer.api('/v1/keys', { project })).status).toBe(404);
  });

  test('is made, renamed and archived by administrators of the installation only; archived it can be read', async () => {
    expect(await other.api('/v1/projects', { json: { name: 'third' } })).toMatchObject({
      status: 403,
      body: { reason: 'not_installation_admin' },
    });
    expect((await server.ask('/v1/projects', { json: { name: 'by key' } })).status).toBe(401);
    expect((await admin.api('/v1/projects', { json: { name: 'second' } })).status).toBe(409);
    const change = (json: unknown) => admin.api(`/v1/projects/${project}`, { method: 'PATCH', json });
    expect(await change({ name: 'renamed' })).toMatchObject({ status: 200, body: { name: 'renamed' } });
    expect((await change({ name: 'default' })).status).toBe(409);
    expect((await change({ archived: true })).status).toBe(200);
    expect((await other.api('/v1/builds')).status).toBe(200);
    expect((await other.api('/v1/invites', { json: { role: 'viewer' } })).status).toBe(403);
    expect((await change({ archived: false })).status).toBe(200);
    expect((await other.api('/v1/invites', { json: { role: 'viewer' } })).status).toBe(201);
  });
});

describe('invites', () => {
  const invite = async (role = 'viewer') =>
    (await admin.api<{ id: string; url: string }>('/v1/invites', { json: { role, note: 'for Ivo' } })).body;

  test('are for one person, once, and say what they are for', async () => {
    const { url, id } = await invite('operator');
    expect(url).toMatch(new RegExp(`^${server.url}/invite/[\\w-]{43}$`));
    const { pathname } = new URL(url);
    const page = await (await server.browser().get(pathname)).text();
    expect(page).toContain('default');
    expect(page).toContain('operator');
    const joining = [server.browser(), server.browser()].map((browser, i) =>
      browser.form(pathname, { name: 'Ivo', email: `ivo${i}@example.com`, password: goodPassword }),
    );
    expect((await Promise.all(joining)).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 410]);
    expect((await server.browser().get(pathname)).status).toBe(410);
    const { body } = await admin.api<{ items: { id: string; usedBy: string; note: string }[] }>('/v1/invites');
    expect(body.items.find((item) => item.id === id)).toMatchObject({
      usedBy: expect.stringMatching(/^usr_/),
      note: 'for Ivo',
    });
    expect(JSON.stringify(body)).not.toContain(pathname.slice('/invite/'.length));
  });

  test('end when taken back, and after seven days; of others and of nothing there is none', async () => {
    const taken = await invite();
    expect((await admin.api(`/v1/invites/${taken.id}/revoke`, { method: 'POST' })).status).toBe(200);
    expect((await server.browser().get(new URL(taken.url).pathname)).status).toBe(410);
    const late = new URL((await invite()).url).pathname;
    ahead = 7 * 86_400_000 + 1000;
    expect((await server.browser().get(late)).status).toBe(410);
    ahead = 0;
    expect((await server.browser().get(late)).status).toBe(200);
    expect((await server.browser().get(`/invite/${'x'.repeat(43)}`)).status).toBe(410);
    expect((await admin.api('/v1/invites/inv_00000000000000000000000000/revoke', { method: 'POST' })).status).toBe(404);
  });

  test('an email that is here already has to sign in; then one click joins, and nobody is lowered', async () => {
    const { url } = await invite('viewer');
    const { pathname } = new URL(url);
    const taken = await server
      .browser()
      .form(pathname, { name: 'O', email: 'olga@example.com', password: goodPassword });
    expect(taken.status).toBe(400);
    expect(await taken.text()).toContain('Sign in');
    expect(await (await operator.get(pathname)).text()).toContain('Join as olga');
    expect((await operator.form(pathname, { join: 'yes' })).status).toBe(303);
    expect(await me(operator)).toMatchObject({ role: 'operator' });
    expect((await operator.get(pathname)).status).toBe(410);
  });

  test('cannot be made by less than an admin, nor for a role there is not', async () => {
    expect((await operator.api('/v1/invites', { json: { role: 'admin' } })).status).toBe(403);
    const odd = await admin.api<{ errors: { detail: string }[] }>('/v1/invites', { json: { role: 'amdin' } });
    expect(odd.status).toBe(400);
    expect(odd.body.errors[0]?.detail).toContain('did you mean admin?');
  });
});

test('a reset link is made by administrators of the installation, works once, and ends every sign-in', async () => {
  const guest = await server.join(admin, 'admin', 'rita@example.com');
  const { id } = await me(guest);
  const make = (by: TestBrowser, person = id) =>
    by.api<{ url: string }>(`/v1/people/${person}/reset-link`, { method: 'POST' });
  // Else whoever administers a project could become whoever administers the installation.
  expect((await make(guest, (await me(admin)).id)).status).toBe(403);
  expect((await make(admin, 'usr_00000000000000000000000000')).status).toBe(404);
  const [first, second] = [await make(admin), await make(admin)];
  const [over, path] = [new URL(first.body.url).pathname, new URL(second.body.url).pathname];
  const other = server.browser();
  expect((await other.get(over)).status).toBe(410);
  expect(await (await other.get(path)).text()).toContain('rita@example.com');
  expect((await other.form(path, { password: 'passwordpassword' })).status).toBe(400);
  const next = 'nine loud geese at dusk';
  expect((await other.form(path, { password: next }, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await other.form(path, { password: next })).status).toBe(303);
  expect((await other.api('/v1/me')).status).toBe(200);
  expect((await guest.api('/v1/me')).status).toBe(401);
  expect((await other.form(path, { password: next })).status).toBe(410);
  expect((await guest.signIn('rita@example.com')).status).toBe(401);
  expect((await guest.signIn('rita@example.com', next)).status).toBe(303);
  ahead = 86_400_000;
  expect((await make(admin)).body).toMatchObject({ reason: 'password_needed' });
  ahead = 0;
  const late = new URL((await make(admin)).body.url).pathname;
  ahead = 86_400_000 + 1000;
  expect((await other.get(late)).status).toBe(410);
  ahead = 0;
  await server.call(`/v1/projects/${defaultProject}/members/${id}`, { method: 'DELETE' });
});

test('roles change at once, want a fresh password, and the last administrator stays', async () => {
  const { id } = await me(viewer);
  const ada = await me(admin);
  const set = (by: TestBrowser, person: string, role: string) =>
    by.api(`/v1/projects/${defaultProject}/members/${person}`, { method: 'PATCH', json: { role } });
  ahead = 11 * 60_000;
  expect(await set(admin, id, 'admin')).toMatchObject({ status: 403, body: { reason: 'password_needed' } });
  expect((await admin.api('/v1/keys', { json: { name: 'x', scopes: ['builds:admin'] } })).status).toBe(403);
  expect((await admin.api('/v1/keys', { json: { name: 'x', scopes: ['builds:read'] } })).status).toBe(201);
  expect((await admin.api('/v1/sign-ins/confirm', { json: { password: 'not the right one' } })).status).toBe(401);
  expect((await admin.api('/v1/sign-ins/confirm', { json: { password: goodPassword } })).status).toBe(204);
  expect((await set(admin, id, 'admin')).status).toBe(200);
  expect((await viewer.api('/v1/audit')).status).toBe(200);
  // Two who lower each other at the same moment.
  await viewer.api('/v1/sign-ins/confirm', { json: { password: goodPassword } });
  const both = await Promise.all([set(admin, id, 'viewer'), set(viewer, ada.id, 'viewer')]);
  expect(both.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
  const [left, gone] = both[0].status === 200 ? [admin, id] : [viewer, ada.id];
  const leftId = (await me(left)).id;
  expect(await set(left, leftId, 'operator')).toMatchObject({ status: 409, body: { reason: 'last_admin' } });
  const remove = (person: string) => left.api(`/v1/projects/${defaultProject}/members/${person}`, { method: 'DELETE' });
  expect(await remove(leftId)).toMatchObject({ status: 409, body: { reason: 'last_admin' } });
  expect((await remove(gone)).status).toBe(204);
  expect((await remove(gone)).status).toBe(404);
  ahead = 0;
});

test('who belongs to no project reads nothing, and is told so', async () => {
  const keys = await server.ask<{ items: Person[] }>('/v1/people');
  const olga = keys.body.items.find(({ email }) => email === 'olga@example.com');
  const removed = await server.call(`/v1/projects/${defaultProject}/members/${olga?.id}`, { method: 'DELETE' });
  expect(removed.status).toBe(204);
  expect(await operator.api('/v1/builds')).toMatchObject({ status: 403, body: { reason: 'no_membership' } });
  expect(await (await operator.get('/sign-in')).text()).toContain('no project');
});
