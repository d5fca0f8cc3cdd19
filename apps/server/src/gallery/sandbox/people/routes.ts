import { z } from 'zod';
import { RateBuckets } from '#kernel/auth';
import { asError, exhausted, MusterError } from '#kernel/base';
import { type Answer, answer, type Call, type Http } from '#kernel/http';
import { addComment } from '../contract/comments.ts';
import { newCommentSchema, readJson } from '../contract/input.ts';
import { setLike } from '../contract/likes.ts';
import { newPage, reportPage } from '../pages/form-pages.ts';
import { notice } from '../pages/layout.ts';
import { comment } from '../pages/parts.ts';
import { page, showItemPage, somebody } from '../pages/routes.ts';
import { viewOf } from '../pages/view.ts';
import { setQuiet } from '../queries/accounts.ts';
import { deleteComment, insertReport, readComments } from '../queries/comments.ts';
import { deleteItem, readItem } from '../queries/items.ts';
import { Refused, type SandboxAnswer } from '../room/answers.ts';
import type { Person } from '../room/deps.ts';
import { freshId } from '../room/ids.ts';
import { sandboxLimits as limits } from '../room/limits.ts';
import { personAccount } from '../room/person-account.ts';
import type { SandboxRoom } from '../room/room.ts';
import { requireFormToken, requireSameOrigin } from '../room/same-origin.ts';
import { hangPicture } from './hang-picture.ts';

type PersonCall = Call<Person | undefined>;
const anyQuery = z.looseObject({});
const formBytesMax = 32 * 1024;

/** What people do here: plain forms that work without script. A script may ask for JSON instead of a page. */
export function personRoutes(room: SandboxRoom): (http: Http) => void {
  const rates = new RateBuckets({
    clock: room.clock,
    perSecond: limits.personActsPerMinute / 60,
    burst: limits.personActsPerMinute,
    keysMax: 10_000,
  });
  return (http) => {
    const look = (path: string, summary: string, handle: (call: PersonCall) => Promise<Answer>): void => {
      http.route({ method: 'GET', path, auth: somebody(room), summary, hidden: true, query: anyQuery, handle });
    };
    const act = (path: string, summary: string, handle: (form: Form) => Promise<Answer>): void => {
      http.route({
        method: 'POST',
        path,
        auth: somebody(room),
        summary,
        hidden: true,
        query: anyQuery,
        handle: (call) => onForm(room, rates, call, handle),
      });
    };
    look('/sandbox/new', 'Form for a new picture', async (call) => {
      const view = await viewOf(room, call, call.who);
      return call.who
        ? page(newPage(view))
        : page(notice(view, 'Sign in first', 'People who are signed in can hang pictures here.'), 401);
    });
    look('/sandbox/report', 'Form for a report', (call) => askReport(room, call));
    act('/sandbox/i/:id/like', 'Like or take it back', (form) => like(room, form));
    act('/sandbox/i/:id/comments', 'Comment', (form) => speak(room, form));
    act('/sandbox/i/:id/delete', 'Take one’s own picture down', (form) => takeDown(room, form));
    act('/sandbox/c/:id/delete', 'Take one’s own comment away', (form) => takeBack(room, form));
    act('/sandbox/report', 'Report something', (form) => report(room, form));
    act('/sandbox/me', 'No bots on my posts', (form) => changeQuiet(room, form));
    http.route({
      method: 'POST',
      path: '/sandbox/new',
      auth: somebody(room),
      summary: 'A new picture',
      hidden: true,
      query: anyQuery,
      handle: (call) => guarded(room, rates, call, (person) => hangPicture(room, call, person)),
    });
  };
}

type Form = { call: PersonCall; person: Person; fields: URLSearchParams; at: Date };

async function onForm(
  room: SandboxRoom,
  rates: RateBuckets,
  call: PersonCall,
  handle: (form: Form) => Promise<Answer>,
): Promise<Answer> {
  return guarded(room, rates, call, async (person) => {
    const bytes = await call.bytes({ bytesMax: formBytesMax });
    const fields = new URLSearchParams(bytes.toString('utf8'));
    requireFormToken(room.csrfKey, person.id, fields.get('token') ?? '');
    return handle({ call, person, fields, at: new Date(room.clock.now()) });
  });
}

/** Somebody who is signed in, on a page of ours, not too often. What goes wrong becomes a page, or JSON for the script. */
async function guarded(
  room: SandboxRoom,
  rates: RateBuckets,
  call: PersonCall,
  handle: (person: Person) => Promise<Answer>,
): Promise<Answer> {
  try {
    const person = call.who;
    if (!person) throw new Refused(401, 'UNAUTHORIZED', 'Sign in first.');
    requireSameOrigin(call);
    const taken = rates.take(person.id);
    if (!taken.ok) throw exhausted('rate', 'That was a lot at once. Wait a moment.', { retryAfterMs: taken.resetMs });
    return await handle(person);
  } catch (error) {
    const known = error instanceof Refused || (error instanceof MusterError && error.code !== 'internal');
    if (!known) throw error;
    const { status, message } = error;
    if (wantsJson(call)) return answer(status, { error: message });
    return page(notice(await viewOf(room, call, call.who), 'That did not work', asError(error).message), status);
  }
}

const wantsJson = (call: PersonCall): boolean => (call.headers.accept ?? '').startsWith('application/json');
const back = (room: SandboxRoom, path: string): Answer =>
  answer(303, undefined, { location: `${room.basePath}${path}` });

/** An answer of the contract, as this way of asking wants to hear of it. */
function told(call: PersonCall, done: SandboxAnswer, otherwise: () => Answer): Answer {
  if (!wantsJson(call)) return otherwise();
  return answer(done.status, Buffer.from(done.body), { 'content-type': 'application/json; charset=utf-8' });
}

async function like(room: SandboxRoom, { call, person, fields, at }: Form): Promise<Answer> {
  const account = await personAccount(room, person, at);
  const itemId = call.params['id'] ?? '';
  const { projectId } = person;
  const wanted = fields.get('liked') === 'no' ? 'unliked' : 'liked';
  const done = await setLike(room, { projectId, account, itemId, wanted, key: undefined, at });
  return told(call, done, () => back(room, `/sandbox/i/${itemId}`));
}

async function speak(room: SandboxRoom, { call, person, fields, at }: Form): Promise<Answer> {
  const itemId = call.params['id'] ?? '';
  const draft = (fields.get('content') ?? '').replaceAll('\r\n', '\n');
  const { projectId } = person;
  let content: string;
  try {
    ({ content } = readJson(newCommentSchema, Buffer.from(JSON.stringify({ content: draft }))));
  } catch (error) {
    if (!(error instanceof Refused) || wantsJson(call)) throw error;
    const view = await viewOf(room, call, person);
    const wrong = { error: error.message.replace(/^content: /, 'A comment '), draft, status: 400 };
    return (await showItemPage(room, view, itemId, wrong)).answer;
  }
  const account = await personAccount(room, person, at);
  const done = await addComment(room, { projectId, account, itemId, content, key: undefined, at });
  const { comment: made } = JSON.parse(Buffer.from(done.body).toString('utf8')) as { comment: { id: string } };
  if (!wantsJson(call)) return back(room, `/sandbox/i/${itemId}#${made.id}`);
  const view = await viewOf(room, call, person);
  const [row] = await readComments(room.db, [made.id]);
  return answer(201, { id: made.id, html: row ? comment(room.basePath, row, view.now, view.person).text : '' });
}

async function takeDown(room: SandboxRoom, { call, person, at }: Form): Promise<Answer> {
  const account = await personAccount(room, person, at);
  const id = call.params['id'] ?? '';
  const gone = await room.db.transaction((tx) => deleteItem(tx, person.projectId, id, account.id));
  if (!gone) throw new Refused(404, 'NOT_FOUND', 'There is no such picture of yours.');
  room.changes.tell({ what: 'gone', projectId: person.projectId, itemId: id });
  return back(room, `/sandbox/u/${account.username}`);
}

async function takeBack(room: SandboxRoom, { call, person, at }: Form): Promise<Answer> {
  const account = await personAccount(room, person, at);
  const { projectId } = person;
  const itemId = await room.db.transaction((tx) => deleteComment(tx, projectId, call.params['id'] ?? '', account.id));
  if (itemId === undefined) throw new Refused(404, 'NOT_FOUND', 'There is no such comment of yours.');
  room.changes.tell({ what: 'counts', projectId, itemId });
  return back(room, `/sandbox/i/${itemId}`);
}

async function changeQuiet(room: SandboxRoom, { person, fields, at }: Form): Promise<Answer> {
  const account = await personAccount(room, person, at);
  await room.db.transaction((tx) => setQuiet(tx, account.id, fields.get('quiet') === 'yes'));
  room.changes.tell({ what: 'rules', projectId: person.projectId });
  return back(room, `/sandbox/u/${account.username}`);
}

async function askReport(room: SandboxRoom, call: PersonCall): Promise<Answer> {
  const view = await viewOf(room, call, call.who);
  const { item, comment: commentId } = call.query;
  const row = await readItem(room.db, view.projectId, typeof item === 'string' ? item : '');
  if (!row) return page(notice(view, 'This picture is gone', 'There is nothing to report any more.'), 404);
  return page(reportPage(view, row, typeof commentId === 'string' ? commentId : null));
}

async function report(room: SandboxRoom, { call, person, fields, at }: Form): Promise<Answer> {
  const account = await personAccount(room, person, at);
  const { projectId } = person;
  const reason = Array.from((fields.get('reason') ?? '').trim())
    .slice(0, limits.reasonCharsMax)
    .join('')
    .replaceAll('\0', '')
    .toWellFormed();
  const row = await readItem(room.db, projectId, fields.get('item') ?? '');
  if (!row) throw new Refused(404, 'NOT_FOUND', 'There is nothing to report any more.');
  const commentId = fields.get('comment');
  if (commentId !== null && (await readComments(room.db, [commentId]))[0]?.itemId !== row.id)
    throw new Refused(404, 'NOT_FOUND', 'This comment is gone.');
  if (reason === '') throw new Refused(400, 'INVALID', 'Say in a few words what is wrong.');
  const id = freshId('report');
  await room.db.transaction((tx) =>
    insertReport(tx, { id, projectId, itemId: row.id, commentId, accountId: account.id, reason, at }),
  );
  return page(notice(await viewOf(room, call, person), 'Thank you', 'Whoever runs this gallery will look at it.'));
}
