import {
  idPattern,
  idSchema,
  inviteSchema,
  inviteWithLinkSchema,
  pageOf,
  pageQuery,
  personSchema,
  projectSchema,
  signInSchema,
} from '@muster/protocol';
import { z } from 'zod';
import { invalid } from '#kernel/base';
import { answer, type Http, type RequestHead } from '#kernel/http';
import {
  changeInstallationAdmin,
  changeRole,
  endSignInOfMember,
  endSignInsOfMember,
  noSuchPerson,
  removeMember,
} from './change-member.ts';
import { changePassword, confirmPassword } from './change-password.ts';
import { endOwnSignIn, endOwnSignIns } from './end-sign-ins.ts';
import { fromOf } from './forms.ts';
import { endInvite, makeInvite } from './invites.ts';
import { peopleLimits } from './limits.ts';
import { changeProject, createProject } from './projects.ts';
import { listInvites } from './queries/invites.ts';
import { listMembers, readMember } from './queries/people.ts';
import { listProjects } from './queries/projects.ts';
import { listSignIns } from './queries/sign-ins.ts';
import { makeResetLink } from './reset-password.ts';
import type { PeopleRoom } from './room.ts';
import { secondRoutes } from './second-routes.ts';
import * as shapes from './shapes.ts';
import { noSuchProject, requireInstallationAdmin, requireSignIn } from './signed-in.ts';

const personParams = z.strictObject({ id: idSchema('person') });
const memberParams = z.strictObject({ projectId: z.string().max(64), id: idSchema('person') });
const admin = { scope: 'accounts:admin' } as const;
const secretText = z.string().max(4096);

/** `/v1/people`, `/v1/projects`, `/v1/invites`, `/v1/sign-ins`, `/v1/me/password`. */
export function peopleRoutes(room: PeopleRoom, http: Http): void {
  memberRoutes(room, http);
  projectRoutes(room, http);
  inviteRoutes(room, http);
  ownRoutes(room, http);
  secondRoutes(room, http);
}

function memberRoutes(room: PeopleRoom, http: Http): void {
  http.route({
    method: 'GET',
    path: '/v1/people',
    auth: { scope: 'accounts:read' },
    summary: 'People of the project',
    query: pageQuery,
    answers: { 200: { description: 'Newest first.', schema: pageOf(personSchema) } },
    handle: ({ who, input: { query } }) => members(room, who.projectId, query),
  });
  http.route({
    method: 'PATCH',
    path: '/v1/people/:id',
    auth: admin,
    summary: 'Make somebody an administrator of the installation, or no longer',
    params: personParams,
    body: z.strictObject({ installationAdmin: z.boolean() }),
    answers: { 200: { description: 'The person.', schema: personSchema } },
    handle: async (call) => {
      const { params, body } = call.input;
      return shapes.showPerson(await changeInstallationAdmin(room, call, params.id, body.installationAdmin));
    },
  });
  http.route({
    method: 'POST',
    path: '/v1/people/:id/end-sign-ins',
    auth: admin,
    summary: 'End every sign-in of somebody',
    params: personParams,
    answers: { 204: { description: 'They have to sign in again everywhere.' } },
    handle: (call) => endSignInsOfMember(room, call, call.input.params.id),
  });
  http.route({
    method: 'GET',
    path: '/v1/people/:id/sign-ins',
    auth: admin,
    summary: 'Where somebody is signed in',
    params: personParams,
    answers: { 200: { description: 'Newest first.', schema: z.strictObject({ items: z.array(signInSchema) }) } },
    handle: async ({ who, input: { params } }) => {
      if (!(await readMember(room.db, who.projectId, params.id))) throw noSuchPerson();
      const at = new Date(room.clock.now());
      const rows = await listSignIns(room.db, params.id, at, peopleLimits.signInsPerPersonMax);
      return { items: rows.map((row) => shapes.showSignIn(row, who.kind === 'person' ? who.signInId : '')) };
    },
  });
  http.route({
    method: 'DELETE',
    path: '/v1/people/:id/sign-ins/:signInId',
    auth: admin,
    summary: 'End one sign-in of somebody',
    params: z.strictObject({ id: idSchema('person'), signInId: idSchema('signIn') }),
    answers: { 204: { description: 'That browser has to sign in again.' } },
    handle: (call) => {
      const { id: personId, signInId } = call.input.params;
      return endSignInOfMember(room, call, { personId, signInId });
    },
  });
  http.route({
    method: 'POST',
    path: '/v1/people/:id/reset-link',
    auth: (head) => requireInstallationAdmin(room, head),
    summary: 'Make a link by which somebody chooses a new password',
    description:
      'For a day, once; whoever opens it can become that person. Nothing is mailed. `removeSecondFactor`: for somebody who lost the authenticator and the recovery codes.',
    params: personParams,
    body: z.strictObject({ removeSecondFactor: z.boolean().default(false) }),
    status: 201,
    answers: {
      201: {
        description: 'The link, this one time.',
        schema: z.strictObject({ url: z.string(), expiresAt: z.iso.datetime() }),
      },
    },
    handle: async (call) => {
      const { token, expiresAt } = await makeResetLink(room, call, {
        personId: call.input.params.id,
        removeSecondFactor: call.input.body.removeSecondFactor,
      });
      return answer(
        201,
        { url: `${room.publicBase()}/reset/${token}`, expiresAt: expiresAt.toISOString() },
        { 'cache-control': 'no-store' },
      );
    },
  });
  http.route({
    method: 'GET',
    path: '/v1/projects/:projectId/members',
    auth: { scope: 'accounts:read' },
    summary: 'People of a project, with their roles',
    params: z.strictObject({ projectId: z.string().max(64) }),
    query: pageQuery,
    answers: { 200: { description: 'Newest first.', schema: pageOf(personSchema) } },
    handle: ({ who, input: { params, query } }) => {
      if (params.projectId !== who.projectId) throw noSuchProject();
      return members(room, who.projectId, query);
    },
  });
  http.route({
    method: 'PATCH',
    path: '/v1/projects/:projectId/members/:id',
    auth: admin,
    summary: 'Give somebody another role',
    params: memberParams,
    body: z.strictObject({ role: shapes.role }),
    answers: { 200: { description: 'The person.', schema: personSchema } },
    handle: async (call) => {
      const { params, body } = call.input;
      if (params.projectId !== call.who.projectId) throw noSuchProject();
      return shapes.showPerson(await changeRole(room, call, params.id, body.role));
    },
  });
  http.route({
    method: 'DELETE',
    path: '/v1/projects/:projectId/members/:id',
    auth: admin,
    summary: 'Take somebody out of a project',
    params: memberParams,
    answers: { 204: { description: 'They are out.' } },
    handle: (call) => {
      if (call.input.params.projectId !== call.who.projectId) throw noSuchProject();
      return removeMember(room, call, call.input.params.id);
    },
  });
}

async function members(room: PeopleRoom, projectId: string, { limit, cursor }: z.output<typeof pageQuery>) {
  if (cursor !== undefined && !idPattern('person').test(cursor)) throw badCursor('people');
  const rows = await listMembers(room.db, projectId, cursor ?? null, limit + 1);
  const items = rows.slice(0, limit);
  return {
    items: items.map(shapes.showPerson),
    nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null,
  };
}

const badCursor = (of: string): Error =>
  invalid('bad_cursor', `This cursor does not come from a list of ${of}.`, {
    errors: [{ pointer: '?cursor', detail: 'not a cursor' }],
  });

function projectRoutes(room: PeopleRoom, http: Http): void {
  const installation = (head: RequestHead) => requireInstallationAdmin(room, head);
  http.route({
    method: 'GET',
    path: '/v1/projects',
    auth: 'member',
    summary: 'Projects',
    description: 'Those one belongs to; all of them for whoever administers the installation; for a key its own.',
    query: pageQuery,
    answers: { 200: { description: 'Newest first.', schema: pageOf(projectSchema) } },
    handle: async ({ who, input: { query } }) => {
      const { limit, cursor } = query;
      if (cursor !== undefined && !idPattern('project').test(cursor)) throw badCursor('projects');
      const memberId = who.kind === 'person' && !who.installationAdmin ? who.personId : null;
      const rows = (await listProjects(room.db, memberId, cursor ?? null, limit + 1)).filter(
        ({ id }) => who.kind === 'person' || id === who.projectId,
      );
      const items = rows.slice(0, limit);
      return {
        items: items.map(shapes.showProject),
        nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null,
      };
    },
  });
  http.route({
    method: 'POST',
    path: '/v1/projects',
    auth: installation,
    summary: 'Make a project',
    body: z.strictObject({ name: shapes.projectName }),
    status: 201,
    answers: { 201: { description: 'The project; whoever made it administers it.', schema: projectSchema } },
    handle: async (call) => shapes.showProject(await createProject(room, call, call.input.body.name, call.once())),
  });
  http.route({
    method: 'PATCH',
    path: '/v1/projects/:id',
    auth: installation,
    summary: 'Rename, archive or bring back a project',
    params: z.strictObject({ id: idSchema('project') }),
    body: z.strictObject({ name: shapes.projectName.optional(), archived: z.boolean().optional() }),
    answers: { 200: { description: 'The project.', schema: projectSchema } },
    handle: async (call) => shapes.showProject(await changeProject(room, call, call.input.params.id, call.input.body)),
  });
}

function inviteRoutes(room: PeopleRoom, http: Http): void {
  http.route({
    method: 'GET',
    path: '/v1/invites',
    auth: admin,
    summary: 'Invites to the project',
    query: pageQuery,
    answers: { 200: { description: 'Newest first.', schema: pageOf(inviteSchema) } },
    handle: async ({ who, input: { query } }) => {
      const { limit, cursor } = query;
      if (cursor !== undefined && !idPattern('invite').test(cursor)) throw badCursor('invites');
      const rows = await listInvites(room.db, who.projectId, cursor ?? null, limit + 1);
      const items = rows.slice(0, limit);
      return {
        items: items.map(shapes.showInvite),
        nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null,
      };
    },
  });
  http.route({
    method: 'POST',
    path: '/v1/invites',
    auth: admin,
    summary: 'Invite somebody',
    description: 'Makes a link for one person, good for seven days. Nothing is mailed.',
    body: shapes.newInviteBody,
    status: 201,
    answers: { 201: { description: 'The invite, with its link this one time.', schema: inviteWithLinkSchema } },
    handle: async (call) => {
      const { secret, ...row } = await makeInvite(room, call, call.input.body, call.once());
      const shown = shapes.showInvite(revived(row));
      return { ...shown, url: `${room.publicBase()}/invite/${secret}` };
    },
  });
  http.route({
    method: 'POST',
    path: '/v1/invites/:id/revoke',
    auth: admin,
    summary: 'Take an invite back',
    params: z.strictObject({ id: idSchema('invite') }),
    answers: { 200: { description: 'The invite.', schema: inviteSchema } },
    handle: async (call) => shapes.showInvite(await endInvite(room, call, call.input.params.id)),
  });
}

/** A stored answer of the same call came through JSON. */
const revived = <R extends { createdAt: Date; expiresAt: Date }>(row: R): R => ({
  ...row,
  createdAt: new Date(row.createdAt),
  expiresAt: new Date(row.expiresAt),
});

function ownRoutes(room: PeopleRoom, http: Http): void {
  const person = (head: RequestHead) => requireSignIn(room, head);
  http.route({
    method: 'GET',
    path: '/v1/sign-ins',
    auth: person,
    summary: 'Where you are signed in',
    answers: {
      200: { description: 'Newest first.', schema: z.strictObject({ items: z.array(signInSchema) }) },
    },
    handle: async ({ who }) => {
      const at = new Date(room.clock.now());
      const rows = await listSignIns(room.db, who.personId, at, peopleLimits.signInsPerPersonMax);
      return { items: rows.map((row) => shapes.showSignIn(row, who.signInId)) };
    },
  });
  http.route({
    method: 'DELETE',
    path: '/v1/sign-ins/:id',
    auth: person,
    summary: 'End one of your sign-ins',
    params: z.strictObject({ id: idSchema('signIn') }),
    answers: { 204: { description: 'Ended.' } },
    handle: (call) => endOwnSignIn(room, call.who, call.input.params.id, fromOf(call)),
  });
  http.route({
    method: 'DELETE',
    path: '/v1/sign-ins',
    auth: person,
    summary: 'End all your sign-ins but this one',
    answers: { 200: { description: 'How many ended.', schema: z.strictObject({ ended: z.number().int() }) } },
    handle: async (call) => ({ ended: await endOwnSignIns(room, call.who, fromOf(call)) }),
  });
  http.route({
    method: 'POST',
    path: '/v1/sign-ins/confirm',
    auth: person,
    summary: 'Give your password again',
    description: 'Some acts want it to have been given in the last ten minutes.',
    body: z.strictObject({ password: secretText }),
    answers: { 204: { description: 'It is right.' } },
    handle: (call) => confirmPassword(room, call.who, call.input.body.password, fromOf(call)),
  });
  http.route({
    method: 'POST',
    path: '/v1/me/password',
    auth: person,
    summary: 'Change your password',
    description: 'Ends your other sign-ins and gives this one a new cookie.',
    body: z.strictObject({ currentPassword: secretText, newPassword: secretText }),
    answers: { 204: { description: 'Changed.' } },
    handle: async (call) => {
      const token = await changePassword(room, call.who, call.input.body, fromOf(call));
      return answer(204, undefined, { 'set-cookie': room.cookie.set(token, call.https) });
    },
  });
}
