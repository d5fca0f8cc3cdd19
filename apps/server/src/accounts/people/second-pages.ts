import { type Answer, type Call, type Http, requireSameOrigin } from '#kernel/http';
import { confirmPassword } from './change-password.ts';
import { attempt, formOf, fromOf, goTo, one, page, retryHeaders, said } from './forms.ts';
import { ownPath } from './own-path.ts';
import { beginSecondFactor, confirmSecondFactor, endSecondFactor, renewRecoveryCodes } from './own-second.ts';
import * as sheets from './pages/second-sheets.ts';
import { passSecond } from './pass-second.ts';
import { readSecondFactor } from './queries/second-factors.ts';
import type { SignInRecord } from './queries/sign-ins.ts';
import type { PeopleRoom } from './room.ts';
import { readSignIn } from './signed-in.ts';

const open = { auth: 'open', hidden: true } as const;
const path = '/sign-in/second-factor';

/** `/sign-in/code`, `/sign-in/second-factor`. */
export function secondPages(room: PeopleRoom, http: Http): void {
  const { basePath: base } = room;
  http.route({
    ...open,
    method: 'POST',
    path: '/sign-in/code',
    summary: 'Give the code by a form',
    handle: async (call) => {
      requireSameOrigin(call, room.publicOrigin);
      const { challenge = '', code = '', next: wanted } = await formOf(call);
      const next = ownPath(wanted, base, `${base}/`);
      return attempt(
        async () => {
          const { token } = await passSecond(room, { challenge, code }, fromOf(call), call.headers.cookie);
          return goTo(next, { 'set-cookie': room.cookie.set(token, call.https) });
        },
        (error) =>
          page(sheets.codeSheet({ base, next, challenge, problem: said(error) }), error.status, retryHeaders(error)),
      );
    },
  });
  http.route({
    ...open,
    method: 'GET',
    path,
    summary: 'Where people set up a second factor',
    handle: async ({ headers }) => {
      const found = await readSignIn(room, headers.cookie);
      return found ? shown(room, found) : goTo(`${base}/sign-in?next=${encodeURIComponent(base + path)}`);
    },
  });
  http.route({
    ...open,
    method: 'POST',
    path,
    summary: 'Set up or turn off a second factor by a form',
    handle: async (call) => {
      requireSameOrigin(call, room.publicOrigin);
      const form = await formOf(call);
      const found = await readSignIn(room, call.headers.cookie);
      if (!found) return goTo(`${base}/sign-in?next=${encodeURIComponent(base + path)}`);
      const what = one(form['act']);
      return attempt(
        () => (what === 'confirm' ? confirm(room, call, found, form) : change(room, call, found, form)),
        async (error) =>
          what === 'confirm' && error.reason !== 'second_factor_on'
            ? page(sheets.confirmSheet({ base, problem: said(error) }), error.status, retryHeaders(error))
            : shown(room, found, said(error), error.status),
      );
    },
  });
}

type Form = Readonly<Record<string, string>>;

async function confirm(room: PeopleRoom, call: Call, found: SignInRecord, form: Form): Promise<Answer> {
  const codes = await confirmSecondFactor(room, found, form['code'] ?? '', fromOf(call));
  return page(sheets.codesSheet(room.basePath, codes));
}

/** Each of these wants the password with it, however fresh. */
async function change(room: PeopleRoom, call: Call, found: SignInRecord, form: Form): Promise<Answer> {
  const { basePath: base } = room;
  const from = fromOf(call);
  await confirmPassword(room, found, form['password'] ?? '', from);
  const fresh = { ...found, confirmedAt: new Date(room.clock.now()) };
  switch (form['act']) {
    case 'begin':
      return page(sheets.beginSheet({ base, ...(await beginSecondFactor(room, fresh, from)) }));
    case 'codes':
      return page(sheets.codesSheet(base, await renewRecoveryCodes(room, fresh, from)));
    case 'end':
      await endSecondFactor(room, fresh, from);
      return goTo(base + path);
    case undefined:
    default:
      return goTo(base + path);
  }
}

async function shown(room: PeopleRoom, found: SignInRecord, problem?: string, status = 200): Promise<Answer> {
  const { basePath: base } = room;
  const { on, recoveryCodesLeft } = await readSecondFactor(room.db, found.personId);
  const common = { base, problem, email: found.email };
  const sheet = on ? sheets.onSheet({ ...common, left: recoveryCodesLeft }) : sheets.offSheet(common);
  return page(sheet, status);
}
