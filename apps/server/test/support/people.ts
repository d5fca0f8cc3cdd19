/** Browsers for tests of signing in: each with its own cookies, and forms sent as a page without script sends them. */
import { randomBytes, scryptSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultProjectId } from '#kernel/auth';
import { newId } from '#kernel/base';
import { sql } from '#kernel/db';
import { type ServerOptions, startServer, type TestServer } from './server.ts';

export const goodPassword = 'seven quiet herons at dawn';

/** Of `goodPassword`, as it is kept, with parameters that cost nothing: those stand in the text. */
function cheapHash(): string {
  const salt = randomBytes(16);
  const hash = scryptSync(goodPassword, salt, 32, { N: 2 ** 4, r: 8, p: 1 });
  return `scrypt$4$8$1$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

type Init = { json?: unknown; method?: string; headers?: Readonly<Record<string, string>>; project?: string };

export type TestBrowser = {
  /** The session cookie's value; empty when there is none. */
  readonly cookie: string;
  /** The last `Set-Cookie`. */
  readonly line: string | undefined;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** A form of a page of ours. */
  form(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
  /** A call of a page of ours. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it expects to read
  api<T = Record<string, unknown>>(path: string, init?: Init): Promise<{ status: number; body: T; headers: Headers }>;
  signIn(email: string, password?: string): Promise<Response>;
  setCookie(value: string): void;
};

export function browserAt(url: string, agent = 'test browser'): TestBrowser {
  let cookie = '';
  let line: string | undefined;
  const { origin } = new URL(url);
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = {
      'user-agent': agent,
      ...(cookie === '' ? {} : { cookie: `other=1; muster_session=${cookie}` }),
      ...(init.headers as Record<string, string> | undefined),
    };
    const response = await fetch(`${url}${path}`, { redirect: 'manual', ...init, headers });
    for (const set of response.headers.getSetCookie()) {
      const found = /^muster_session=([^;]*)/.exec(set);
      if (found) [line, cookie] = [set, found[1] ?? ''];
    }
    return response;
  };
  const form: TestBrowser['form'] = (path, fields, headers) =>
    send(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin, ...headers },
      body: new URLSearchParams(fields).toString(),
    });
  return {
    get cookie() {
      return cookie;
    },
    get line() {
      return line;
    },
    setCookie: (value) => void (cookie = value),
    get: (path, headers = {}) => send(path, { headers }),
    form,
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as above
    async api<T>(path: string, { json, method, headers, project }: Init = {}) {
      const response = await send(path, {
        method: method ?? (json === undefined ? 'GET' : 'POST'),
        headers: {
          origin,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...(project === undefined ? {} : { 'x-muster-project': project }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        // What is no JSON, such as an export, is for tests that ask for it otherwise.
        body: (/json/.test(response.headers.get('content-type') ?? '') && text !== ''
          ? JSON.parse(text)
          : undefined) as T,
        headers: response.headers,
      };
    },
    signIn: (email, password = goodPassword) => form('/sign-in', { email, password }),
  };
}

export type PeopleServer = TestServer & {
  browser(agent?: string): TestBrowser;
  /** The link of this start. */
  setupLink(): Promise<string>;
  /** Makes the first administrator; the browser is signed in. */
  setUp(): Promise<TestBrowser>;
  /** Invites somebody to the project of `by`, who joins with a browser of their own. */
  join(by: TestBrowser, role: string, email: string, project?: string): Promise<TestBrowser>;
  /** Somebody there with a browser of their own, signed in: as `join` makes them, without what hashing a new password costs. */
  member(role: string, email: string, project?: string): Promise<TestBrowser & { id: string }>;
  /** Ends every lock that wrong passwords made. */
  forgetTries(): Promise<void>;
};

export async function startPeople(options: ServerOptions = {}): Promise<PeopleServer> {
  const server = await startServer(options);
  const browser = (agent?: string): TestBrowser => browserAt(server.url, agent);
  const setupLink = async (): Promise<string> => (await readFile(join(server.dataDir, 'setup-url'), 'utf8')).trim();
  return {
    ...server,
    browser,
    setupLink,
    async setUp() {
      const admin = browser();
      const token = new URL(await setupLink()).searchParams.get('token') ?? '';
      const made = await admin.form('/setup', {
        token,
        name: 'Ada Admin',
        email: 'ada@example.com',
        password: goodPassword,
      });
      if (made.status !== 303) throw new Error(`setup answered ${made.status}: ${await made.text()}`);
      return admin;
    },
    async join(by, role, email, project) {
      const { body } = await by.api<{ url: string }>('/v1/invites', {
        json: { role },
        ...(project === undefined ? {} : { project }),
      });
      const own = browser();
      const joined = await own.form(new URL(body.url).pathname, {
        name: email.split('@', 1)[0] ?? 'somebody',
        email,
        password: goodPassword,
      });
      if (joined.status !== 303) throw new Error(`joining answered ${joined.status}: ${await joined.text()}`);
      return own;
    },
    async member(role, email, project = defaultProjectId) {
      const id = newId('person');
      const name = email.split('@', 1)[0] ?? 'somebody';
      await server.database.db.transaction(async (tx) => {
        await tx.query(
          sql`insert into people (id, email, name, created_at, updated_at) values (${id}, ${email}, ${name}, now(), now())`,
        );
        await tx.query(sql`insert into person_credentials (id, person_id, provider, account_id, password, created_at, updated_at)
          values (${newId('person')}, ${id}, 'credential', ${id}, ${cheapHash()}, now(), now())`);
        await tx.query(
          sql`insert into memberships (project_id, person_id, role, created_at, updated_at) values (${project}, ${id}, ${role}, now(), now())`,
        );
      });
      const own = browser();
      const entered = await own.signIn(email);
      if (entered.status !== 303) throw new Error(`signing in answered ${entered.status}: ${await entered.text()}`);
      // Not spread: its cookie is read when it is asked for.
      return Object.defineProperty(own, 'id', { value: id }) as TestBrowser & { id: string };
    },
    async forgetTries() {
      await server.database.db.transaction((tx) => tx.query(sql`delete from sign_in_tries`));
    },
  };
}
