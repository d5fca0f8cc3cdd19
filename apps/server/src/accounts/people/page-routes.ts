import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Answer, answer, type Call, type Http, requireSameOrigin } from '#kernel/http';
import { attempt, formOf, fromOf, goTo, newPersonIn, one, page, problemIn, retryHeaders, said } from './forms.ts';
import { joinAsKnown, joinAsNew, readInvite } from './invites.ts';
import { ownPath } from './own-path.ts';
import { codeSheet } from './pages/second-sheets.ts';
import * as sheets from './pages/sheets.ts';
import { readReset, resetPassword } from './reset-password.ts';
import type { PeopleRoom } from './room.ts';
import { secondPages } from './second-pages.ts';
import { completeSetup, isSetupOpen } from './setup.ts';
import { signIn, signOut } from './sign-in.ts';
import { readSignIn } from './signed-in.ts';

const open = { auth: 'open', hidden: true } as const;

/** `/sign-in`, `/sign-out`, `/setup`, `/invite/{token}`, `/reset/{token}`: readable and usable without script. */
export function pageRoutes(room: PeopleRoom, http: Http): void {
  partsOfPages(http);
  signInPages(room, http);
  setupPages(room, http);
  invitePages(room, http);
  resetPages(room, http);
  secondPages(room, http);
}

const parts = { 'style.css': 'text/css; charset=utf-8', 'icon.svg': 'image/svg+xml' } as const;

function partsOfPages(http: Http): void {
  for (const [name, type] of Object.entries(parts)) {
    http.route({
      ...open,
      method: 'GET',
      path: `/sign-in/${name}`,
      summary: 'How these pages look',
      handle: async () =>
        answer(200, await readFile(join(import.meta.dirname, 'pages', name)), {
          'content-type': type,
          'cache-control': 'max-age=3600',
        }),
    });
  }
}

function signInPages(room: PeopleRoom, http: Http): void {
  const { basePath: base } = room;
  const home = `${base}/`;
  http.route({
    ...open,
    method: 'GET',
    path: '/sign-in',
    summary: 'Where people sign in',
    handle: async ({ headers, query }) => {
      const wanted = one(query['next']);
      const next = ownPath(wanted, base, home);
      const found = await readSignIn(room, headers.cookie);
      if (!found) return page(sheets.signInSheet({ base, next }));
      if (wanted !== undefined) return goTo(next);
      const places = found.memberships.map(({ projectName, role }) => ({ project: projectName, role }));
      return page(sheets.hereSheet(base, { name: found.name, email: found.email, places }));
    },
  });
  http.route({
    ...open,
    method: 'POST',
    path: '/sign-in',
    summary: 'Sign in by a form',
    handle: async (call) => {
      requireSameOrigin(call, room.publicOrigin);
      const { email = '', password = '', next: wanted } = await formOf(call);
      const next = ownPath(wanted, base, home);
      return attempt(
        () => enter(room, call, { email, password }, next),
        (error) =>
          page(
            sheets.signInSheet({ base, next, problem: said(error), typed: { email } }),
            error.status,
            retryHeaders(error),
          ),
      );
    },
  });
  http.route({
    ...open,
    method: 'GET',
    path: '/sign-out',
    summary: 'Where people sign out',
    handle: async ({ headers }) => page(sheets.signOutSheet(base, (await readSignIn(room, headers.cookie))?.name)),
  });
  http.route({
    ...open,
    method: 'POST',
    path: '/sign-out',
    summary: 'Sign out by a form',
    handle: async (call) => {
      requireSameOrigin(call, room.publicOrigin);
      const { next } = await formOf(call);
      await signOut(room, call.headers.cookie, fromOf(call));
      return goTo(ownPath(next, base, `${base}/sign-out`), { 'set-cookie': room.cookie.clear(call.https) });
    },
  });
}

function setupPages(room: PeopleRoom, http: Http): void {
  const { basePath: base } = room;
  http.route({
    ...open,
    method: 'GET',
    path: '/setup',
    summary: 'Where the first administrator is made',
    handle: async ({ query }) => {
      const token = one(query['token']) ?? '';
      return (await isSetupOpen(room, token)) ? page(sheets.setupSheet({ base, token })) : setupGone(base);
    },
  });
  http.route({
    ...open,
    method: 'POST',
    path: '/setup',
    summary: 'Make the first administrator by a form',
    handle: async (call) => {
      requireSameOrigin(call, room.publicOrigin);
      const form = await formOf(call);
      const { token = '', name, email } = form;
      if (!(await isSetupOpen(room, token))) return setupGone(base);
      return attempt(
        async () => {
          const person = { ...newPersonIn(form), withKey: form['withKey'] === 'yes' };
          const { key } = await completeSetup(room, token, person, fromOf(call));
          const entered = await enterNew(room, call, person, `${base}/`);
          return key === undefined ? entered : page(sheets.keySheet(base, key), 200, cookieOf(entered));
        },
        (error) =>
          error.reason === 'link_gone'
            ? setupGone(base)
            : page(
                sheets.setupSheet({
                  base,
                  token,
                  problem: said(error),
                  typed: { name, email, withKey: form['withKey'] === 'yes' },
                }),
                error.status,
              ),
      );
    },
  });
}

const setupGone = (base: string): Answer =>
  page(
    sheets.noticeSheet(
      base,
      'This link is over',
      'It was used already, is older than a day, or the server was started again since. While nobody administers this server, each start leaves a new one on the terminal and in the file setup-url of the data folder.',
    ),
    410,
  );

function invitePages(room: PeopleRoom, http: Http): void {
  const { basePath: base } = room;
  http.route({
    ...open,
    method: 'GET',
    path: '/invite/:token',
    summary: 'Where an invite is used',
    handle: async ({ params, headers }) => {
      const token = params['token'] ?? '';
      const invite = await readInvite(room, token);
      if (!invite) return inviteGone(base);
      const common = { base, token, project: invite.projectName, role: invite.role };
      const found = await readSignIn(room, headers.cookie);
      return page(found ? sheets.joinSheet(common, found.name) : sheets.inviteSheet(common));
    },
  });
  http.route({
    ...open,
    method: 'POST',
    path: '/invite/:token',
    summary: 'Use an invite by a form',
    handle: async (call) => {
      requireSameOrigin(call, room.publicOrigin);
      const token = call.params['token'] ?? '';
      const form = await formOf(call);
      const invite = await readInvite(room, token);
      if (!invite) return inviteGone(base);
      const found = form['join'] === 'yes' ? await readSignIn(room, call.headers.cookie) : undefined;
      return attempt(
        () => (found ? joinKnown() : joinNew()),
        (error) => {
          if (error.reason === 'link_gone') return inviteGone(base);
          const { name, email } = form;
          const common = { base, token, project: invite.projectName, role: invite.role, problem: said(error) };
          return page(sheets.inviteSheet({ ...common, typed: { name, email } }), error.status);
        },
      );

      async function joinKnown(): Promise<Answer> {
        if (found) await joinAsKnown(room, token, found, fromOf(call));
        return goTo(`${base}/`);
      }
      async function joinNew(): Promise<Answer> {
        const person = newPersonIn(form);
        await joinAsNew(room, token, person, fromOf(call));
        return enterNew(room, call, person, `${base}/`);
      }
    },
  });
}

const inviteGone = (base: string): Answer =>
  page(
    sheets.noticeSheet(
      base,
      'This invite is over',
      'It was used already, taken back, or is older than seven days. Ask whoever sent it for a new one.',
    ),
    410,
  );

function resetPages(room: PeopleRoom, http: Http): void {
  const { basePath: base } = room;
  http.route({
    ...open,
    method: 'GET',
    path: '/reset/:token',
    summary: 'Where a new password is chosen',
    handle: async ({ params }) => {
      const token = params['token'] ?? '';
      const person = await readReset(room, token);
      return person ? page(sheets.resetSheet({ base, token, email: person.email })) : resetGone(base);
    },
  });
  http.route({
    ...open,
    method: 'POST',
    path: '/reset/:token',
    summary: 'Choose a new password by a form',
    handle: async (call) => {
      requireSameOrigin(call, room.publicOrigin);
      const token = call.params['token'] ?? '';
      const { password = '' } = await formOf(call);
      const person = await readReset(room, token);
      if (!person) return resetGone(base);
      const { email } = person;
      return attempt(
        async () => {
          await resetPassword(room, token, password, fromOf(call));
          return enterNew(room, call, { email, password }, `${base}/`);
        },
        (error) =>
          error.reason === 'link_gone'
            ? resetGone(base)
            : page(sheets.resetSheet({ base, token, email, problem: said(error) }), error.status),
      );
    },
  });
}

const resetGone = (base: string): Answer =>
  page(
    sheets.noticeSheet(
      base,
      'This link is over',
      'It was used already, another one was made since, or it is older than a day. Ask whoever sent it for a new one.',
    ),
    410,
  );

async function enter(
  room: PeopleRoom,
  call: Call,
  given: { email: string; password: string },
  next: string,
): Promise<Answer> {
  const entered = await signIn(room, given, fromOf(call), call.headers.cookie);
  if (!('token' in entered)) return page(codeSheet({ base: room.basePath, next, challenge: entered.challenge }));
  return goTo(next, { 'set-cookie': room.cookie.set(entered.token, call.https) });
}

/** The account is there; that its browser cannot be let in at this moment, because of wrong passwords of others, undoes nothing. */
async function enterNew(
  room: PeopleRoom,
  call: Call,
  given: { email: string; password: string },
  next: string,
): Promise<Answer> {
  try {
    return await enter(room, call, given, next);
  } catch (error) {
    problemIn(error);
    return goTo(next);
  }
}

function cookieOf({ headers }: Answer): Record<string, string> {
  const cookie = headers['set-cookie'];
  return cookie === undefined ? {} : { 'set-cookie': cookie };
}
