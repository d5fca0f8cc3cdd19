/**
 * A gallery that keeps the FloImg contract, over real HTTP and in memory, strict where the real one is: known accounts only,
 * optional members left out and never null, one like per account that a second request takes away, titles and comments with
 * their bounds. Faults on demand, each as its socket would show it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type FaultKind =
  | '429'
  | '503'
  | '500'
  | '401'
  | '403'
  | '404'
  | '400'
  | '422'
  | 'fleetPaused'
  | 'fleetDaily'
  | 'fleetMonthly'
  | 'agentDaily'
  | 'agentMonthly'
  | 'html502'
  | 'malformedJson'
  | 'truncated'
  | 'wrongShape'
  | 'nullFields'
  | 'tooLarge'
  | 'redirect'
  | 'reset'
  | 'hang'
  | 'dropAfterCommit';

/** `times`: how often it strikes; without it for good. `headers` and `resetAt` go out with it. */
export type FakeFault = {
  kind: FaultKind;
  method?: string;
  path?: RegExp;
  username?: string;
  times?: number;
  headers?: Readonly<Record<string, string>>;
  resetAt?: unknown;
};

export type FakeAccount = { id: string; agentId: string | null; username: string; name: string; isAgent: boolean };
export type FakeComment = { id: string; content: string; createdAt: string; user: FakeAccount };
export type FakeItem = {
  id: string;
  title: string;
  description: string;
  imageUrl: string;
  createdAt: string;
  user: FakeAccount;
  likes: Set<string>;
  comments: FakeComment[];
};
export type Seen = { method: string; path: string; headers: IncomingMessage['headers']; body: unknown; status: number };

export type FakeFloImg = AsyncDisposable & {
  readonly url: string;
  readonly token: string;
  readonly legacySecret: string;
  readonly requests: Seen[];
  readonly items: FakeItem[];
  readonly accounts: FakeAccount[];
  readonly images: Map<string, Buffer>;
  readonly faults: FakeFault[];
  /** Keeps keys for repeats, and says so. */
  idempotency: boolean;
  /** PUT and DELETE of a like. */
  explicitLike: boolean;
  dialect: 'showcase' | 'gallery-v0';
  /** Header `Date`; undefined: the machine's. */
  date: string | undefined;
  /** Called with each request before it is answered. */
  before: (seen: Seen) => void | Promise<void>;
  /** Called with each request that was done, before anybody hears of it. */
  after: (seen: Seen) => void | Promise<void>;
  /** Bytes the store still takes. */
  quotaLeft: number;
  person(username: string): FakeAccount;
  personPosts(person: FakeAccount, title: string): FakeItem;
  personComments(person: FakeAccount, itemId: string, content: string): FakeComment;
};

type State = Omit<FakeFloImg, 'url' | typeof Symbol.asyncDispose> & {
  url: string;
  keys: Map<string, { digest: string; status: number; body: unknown }>;
  uploads: Map<string, { storageKey: string; sizeBytes: number; bytes?: Buffer }>;
};

class Refused extends Error {
  readonly status: number;
  readonly body: Record<string, unknown>;
  constructor(status: number, body: Record<string, unknown>) {
    super(`refused with ${status}`);
    this.status = status;
    this.body = body;
  }
}

export async function fakeFloImg(): Promise<FakeFloImg> {
  const state: State = {
    url: '',
    token: 'fst_test_token_of_the_fake',
    legacySecret: 'legacy-secret-of-the-fake',
    requests: [],
    items: [],
    accounts: [],
    images: new Map(),
    faults: [],
    idempotency: false,
    explicitLike: false,
    dialect: 'showcase',
    date: undefined,
    before: () => undefined,
    after: () => undefined,
    quotaLeft: 100_000_000,
    keys: new Map(),
    uploads: new Map(),
    person(username) {
      const person = { id: randomUUID(), agentId: null, username, name: username, isAgent: false };
      state.accounts.push(person);
      return person;
    },
    personPosts: (person, title) => addItem(state, person, { title, description: '', imageUrl: `${state.url}/x.png` }),
    personComments(person, itemId, content) {
      const item = state.items.find(({ id }) => id === itemId);
      if (!item) throw new Error(`no item ${itemId}`);
      return addComment(item, person, content);
    },
  };
  const server = createServer((request, response) => {
    serve(state, request, response).catch((error: unknown) => {
      response.writeHead(599).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  const raw = Buffer.concat(parts);
  const url = new URL(request.url ?? '/', 'http://fake');
  const method = request.method ?? 'GET';
  const isJson = request.headers['content-type'] === 'application/json';
  const body: unknown = isJson && raw.length > 0 ? JSON.parse(raw.toString('utf8')) : undefined;
  const seen: Seen = { method, path: `${url.pathname}${url.search}`, headers: request.headers, body, status: 0 };
  state.requests.push(seen);
  await state.before(seen);
  const fault = takeFault(state, seen);
  const bad = fault ? beforeFault(state, fault) : undefined;
  if (bad) return bad(seen, response, request);
  let status = 200;
  let said: unknown;
  try {
    ({ status, said } = answerOf(state, method, url, request, { body, raw }));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    ({ status, body: said } = error);
  }
  seen.status = status;
  await state.after(seen);
  if (fault?.kind === 'dropAfterCommit') return void request.socket.destroy();
  if (fault?.kind === 'malformedJson')
    return void response.writeHead(status, { 'content-type': 'application/json' }).end('{"items": [{"id"');
  if (fault?.kind === 'truncated') {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': '5000' });
    response.write('{"items": [');
    return void setImmediate(() => response.destroy());
  }
  if (Buffer.isBuffer(said)) return void response.writeHead(200, { 'content-type': 'image/png' }).end(said);
  send(state, response, status, fault ? afterFault(fault, said) : said, {});
}

function takeFault(state: State, { method, path, headers }: Seen): FakeFault | undefined {
  const at = state.faults.findIndex(
    (fault) =>
      (fault.method === undefined || fault.method === method) &&
      (fault.path?.test(path) ?? true) &&
      (fault.username === undefined || fault.username === headers['x-agent-id']),
  );
  const fault = state.faults[at];
  if (!fault) return undefined;
  if (fault.times !== undefined && --fault.times <= 0) state.faults.splice(at, 1);
  return fault;
}

type Struck = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void;
const codes: Partial<Record<FaultKind, readonly [number, string]>> = {
  fleetDaily: [429, 'FLEET_DAILY_BUDGET_EXCEEDED'],
  fleetMonthly: [429, 'FLEET_MONTHLY_BUDGET_EXCEEDED'],
  agentDaily: [429, 'AGENT_DAILY_LIMIT_EXCEEDED'],
  agentMonthly: [429, 'AGENT_MONTHLY_LIMIT_EXCEEDED'],
  fleetPaused: [503, 'FLEET_PAUSED'],
};

/** Faults that strike in place of an answer; nothing was done then. */
function beforeFault(state: State, { kind, headers = {}, resetAt }: FakeFault): Struck | undefined {
  const plain =
    (status: number, body: unknown, more: Readonly<Record<string, string>> = {}): Struck =>
    (seen, response) => {
      seen.status = status;
      send(state, response, status, body, { ...headers, ...more });
    };
  const coded = codes[kind];
  if (coded) {
    const usage = kind.startsWith('agent') ? { usage: { used: 10, limit: 10 } } : {};
    return plain(coded[0], {
      code: coded[1],
      error: 'no more',
      ...(resetAt === undefined ? {} : { resetAt }),
      ...usage,
    });
  }
  if (/^\d+$/.test(kind)) return plain(Number(kind), kind === '429' ? undefined : { error: `a plain ${kind}` });
  return strikes[kind];
}

const strikes: Partial<Record<FaultKind, Struck>> = {
  html502: (seen, response) => {
    seen.status = 502;
    response.writeHead(502, { 'content-type': 'text/html' }).end('<html><body>Bad gateway</body></html>');
  },
  tooLarge: (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.on('error', () => undefined);
    response.end(`{"items": [], "more": "${'x'.repeat(3 * 1024 * 1024)}"}`);
  },
  redirect: (_seen, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/elsewhere' }).end(),
  reset: (_seen, _response, request) => void request.socket.destroy(),
  hang: () => undefined,
};

/** Faults of an answer to something that was done. */
function afterFault({ kind }: FakeFault, said: unknown): unknown {
  if (kind === 'wrongShape') return { posts: [] };
  if (kind !== 'nullFields') return said;
  return JSON.parse(JSON.stringify(said), (key, value: unknown) =>
    ['likeCount', 'commentCount', 'viewCount', 'user', 'tags', 'category'].includes(key) ? null : value,
  );
}

function send(
  state: State,
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  if (state.date !== undefined) {
    response.sendDate = false;
    response.setHeader('date', state.date);
  }
  const said = state.dialect === 'gallery-v0' ? snaked(body) : body;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(said === undefined ? undefined : JSON.stringify(said));
}

type Sent = { body: unknown; raw: Buffer };
type Answered = { status: number; said: unknown };

function answerOf(state: State, method: string, url: URL, request: IncomingMessage, sent: Sent): Answered {
  const path = url.pathname;
  const upload = /^\/upload\/([\w-]+)$/.exec(path);
  if (upload && method === 'PUT') return takeUpload(state, upload[1] ?? '', request, sent.raw);
  const who = identify(state, request);
  const repeat = keyed(state, method, path, request, sent);
  if (repeat) return repeat;
  const answered = route(state, method, path, url.searchParams, who, membersOf(sent.body));
  remember(state, path, request, sent, answered);
  return answered;
}

/** The account of `x-agent-id` (or `x-bot-id`); `undefined`: a call of the service itself. */
function identify(state: State, request: IncomingMessage): FakeAccount | undefined {
  const legacy = request.headers.authorization === `Bearer bot_${state.legacySecret}`;
  if (!legacy && request.headers.authorization !== `Bearer ${state.token}`)
    throw new Refused(401, { error: 'bad token' });
  const username = request.headers['x-agent-id'];
  if (username === undefined) return undefined;
  const account = state.accounts.find((known) => known.username === username);
  if (!account) throw new Refused(403, { error: 'unknown agent' });
  if (legacy && request.headers['x-bot-id'] !== account.agentId) throw new Refused(403, { error: 'unknown bot' });
  return account;
}

const digestOf = ({ body }: Sent): string =>
  createHash('sha256')
    .update(JSON.stringify(body ?? null))
    .digest('hex');
function keyed(state: State, method: string, path: string, request: IncomingMessage, sent: Sent): Answered | undefined {
  const key = request.headers['idempotency-key'];
  if (!state.idempotency || method === 'GET' || typeof key !== 'string') return undefined;
  const known = state.keys.get(`${path} ${key}`);
  if (!known) return undefined;
  if (known.digest !== digestOf(sent)) throw new Refused(409, { error: 'key used for another body' });
  return { status: known.status, said: known.body };
}

function remember(state: State, path: string, request: IncomingMessage, sent: Sent, { status, said }: Answered): void {
  const key = request.headers['idempotency-key'];
  if (state.idempotency && typeof key === 'string')
    state.keys.set(`${path} ${key}`, { digest: digestOf(sent), status, body: JSON.parse(JSON.stringify(said)) });
}

/** The body's members, camelCase whatever the dialect; one that is null is a mistake. */
function membersOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null) return {};
  const members = Object.entries(body).map(([key, value]: [string, unknown]): [string, unknown] => [
    key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  const empty = members.find(([, value]) => value === null);
  if (empty) throw new Refused(400, { error: `${empty[0]} must not be null` });
  return Object.fromEntries(members);
}

function route(
  state: State,
  method: string,
  path: string,
  query: URLSearchParams,
  who: FakeAccount | undefined,
  body: Readonly<Record<string, unknown>>,
): Answered {
  const v0 = state.dialect === 'gallery-v0';
  const root = v0 ? '/api/gallery/posts' : '/api/showcase';
  const names = v0
    ? { items: 'posts', item: 'post', made: 'post', own: 'posts' }
    : { items: 'items', item: 'item', made: 'showcaseItem', own: 'showcase' };
  const own = (v0 ? /^\/api\/gallery\/users\/([^/]+)\/posts$/ : /^\/api\/users\/([^/]+)\/showcase$/).exec(path);
  const limit = Number(query.get('limit') ?? 20);
  const offset = Number(query.get('offset') ?? 0);
  if (own && method === 'GET') {
    const account = state.accounts.find(({ username }) => username === decodeURIComponent(own[1] ?? ''));
    if (!account) throw new Refused(404, { error: 'no such user' });
    const items = state.items.filter(({ user }) => user === account);
    return { status: 200, said: { [names.own]: items.toReversed().map((item) => shown(state, item, who)) } };
  }
  if (path === root && method === 'GET') {
    const sorted = state.items.toReversed();
    if (query.get('sort') === 'popular') sorted.sort((a, b) => b.likes.size - a.likes.size);
    const page = sorted.slice(offset, offset + limit).map((item) => shown(state, item, who));
    return { status: 200, said: { [names.items]: page, ...(v0 ? { meta: { total: state.items.length } } : {}) } };
  }
  if (path === root && method === 'POST') {
    const item = addItem(state, agent(who), {
      title: text(body, 'title', 200),
      description: textOr(body, v0 ? 'caption' : 'description'),
      imageUrl: text(body, 'imageUrl', 4_000),
    });
    return { status: 201, said: { [names.made]: shown(state, item, who) } };
  }
  const one = new RegExp(`^${root}/([^/]+)(/like|/comments)?$`).exec(path);
  if (one) {
    const item = state.items.find(({ id }) => id === decodeURIComponent(one[1] ?? ''));
    if (!item) throw new Refused(404, { error: 'no such item' });
    if (one[2] === undefined && method === 'GET')
      return { status: 200, said: { [names.item]: shown(state, item, who) } };
    if (one[2] === '/like') return like(state, method, item, agent(who));
    if (one[2] === '/comments' && method === 'GET')
      return { status: 200, said: { comments: item.comments.slice(offset, offset + limit).map(shownComment) } };
    if (one[2] === '/comments' && method === 'POST')
      return {
        status: 201,
        said: { comment: shownComment(addComment(item, agent(who), text(body, 'content', 1_000))) },
      };
  }
  return others(state, method, path, who, body);
}

function others(
  state: State,
  method: string,
  path: string,
  who: FakeAccount | undefined,
  body: Readonly<Record<string, unknown>>,
): Answered {
  const account = /^\/api\/admin\/users\/([^/]+)$/.exec(path);
  const image = /^\/api\/storage\/images\/([^/]+)\/content$/.exec(path);
  if (path === '/api/admin/users/invite' && method === 'POST') return invite(state, body);
  if (account && method === 'DELETE') {
    const at = state.accounts.findIndex(({ agentId }) => agentId === account[1]);
    if (at < 0) throw new Refused(404, { error: 'no such agent' });
    state.accounts.splice(at, 1);
    return { status: 200, said: { deleted: true } };
  }
  if (path === '/api/storage/upload-url' && method === 'POST') {
    agent(who);
    const sizeBytes = Number(body['sizeBytes']);
    if (sizeBytes > state.quotaLeft)
      throw new Refused(403, { error: 'store is full', quota: { used: 1, limit: 1, remaining: state.quotaLeft } });
    const imageId = randomUUID();
    const storageKey = `u/${imageId}/${text(body, 'filename', 200)}`;
    state.uploads.set(imageId, { storageKey, sizeBytes });
    return { status: 200, said: { uploadUrl: `${state.url}/upload/${imageId}`, imageId, storageKey, expiresIn: 900 } };
  }
  if (path === '/api/storage/confirm-upload' && method === 'POST') {
    const imageId = text(body, 'imageId', 100);
    const upload = state.uploads.get(imageId);
    if (!upload?.bytes || upload.storageKey !== body['storageKey'])
      throw new Refused(422, { errors: ['not uploaded'] });
    state.images.set(imageId, upload.bytes);
    state.quotaLeft -= upload.bytes.length;
    return { status: 200, said: { success: true, imageId, quota: { used: 1, limit: 2, remaining: state.quotaLeft } } };
  }
  if (path === '/api/execute/sync' && method === 'POST') {
    agent(who);
    const steps = Array.isArray(body['steps']) ? body['steps'] : [];
    if (steps.length === 0) throw new Refused(400, { error: 'no steps' });
    const made = steps.map((_, i) => {
      const id = randomUUID();
      state.images.set(id, Buffer.from(`picture ${i}`));
      return id;
    });
    const imageUrls = made.map((id) => `/api/storage/images/${id}/content`);
    return { status: 200, said: { status: 'completed', imageUrls, imageIds: made } };
  }
  const bytes = image ? state.images.get(image[1] ?? '') : undefined;
  if (bytes && method === 'GET') return { status: 200, said: bytes };
  throw new Refused(404, { error: 'no such route' });
}

function takeUpload(state: State, imageId: string, request: IncomingMessage, raw: Buffer): Answered {
  const upload = state.uploads.get(imageId);
  if (!upload) throw new Refused(404, { error: 'no such upload' });
  // A presigned address that gets a credential refuses it, as stores do.
  if (request.headers.authorization !== undefined) throw new Refused(400, { error: 'two ways to sign in' });
  if (raw.length !== upload.sizeBytes) throw new Refused(400, { error: 'wrong size' });
  upload.bytes = raw;
  return { status: 200, said: undefined };
}

function invite(state: State, body: Readonly<Record<string, unknown>>): Answered {
  const agentId = text(body, 'agentId', 36);
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(agentId))
    throw new Refused(400, { error: 'agentId is no UUID' });
  if (body['isAgent'] !== true) throw new Refused(400, { error: 'isAgent must be true' });
  const username = text(body, 'username', 30);
  const known = state.accounts.find((account) => account.agentId === agentId);
  if (known) return { status: 200, said: { id: known.id, username: known.username, created: false } };
  if (state.accounts.some((account) => account.username === username))
    throw new Refused(422, { errors: [{ field: 'username', message: 'is taken' }] });
  const account = { id: randomUUID(), agentId, username, name: text(body, 'name', 100), isAgent: true };
  state.accounts.push(account);
  return { status: 201, said: { id: account.id, username, created: true } };
}

function like(state: State, method: string, item: FakeItem, who: FakeAccount): Answered {
  const explicit = state.explicitLike || state.dialect === 'gallery-v0';
  if (method !== 'POST' && !explicit) throw new Refused(404, { error: 'no such route' });
  if (method === 'DELETE') item.likes.delete(who.id);
  else if (method === 'PUT' || state.dialect === 'gallery-v0' || !item.likes.has(who.id)) item.likes.add(who.id);
  else item.likes.delete(who.id);
  return { status: 200, said: { success: true, liked: item.likes.has(who.id), likeCount: item.likes.size } };
}

function addItem(
  state: State,
  user: FakeAccount,
  given: Pick<FakeItem, 'title' | 'description' | 'imageUrl'>,
): FakeItem {
  const item = {
    ...given,
    id: randomUUID(),
    createdAt: new Date().toISOString(),
    user,
    likes: new Set<string>(),
    comments: [],
  };
  state.items.push(item);
  return item;
}

function addComment(item: FakeItem, user: FakeAccount, content: string): FakeComment {
  const comment = { id: randomUUID(), content, createdAt: new Date().toISOString(), user };
  item.comments.push(comment);
  return comment;
}

const userOf = ({ id, username, name }: FakeAccount) => ({ id, username, name, avatarUrl: null });
const shownComment = ({ user, ...comment }: FakeComment) => ({ ...comment, user: userOf(user) });
function shown(state: State, item: FakeItem, who: FakeAccount | undefined): Record<string, unknown> {
  const { id, title, description, imageUrl, createdAt, user, likes, comments } = item;
  const v0 = state.dialect === 'gallery-v0';
  return {
    id,
    title,
    ...(v0 ? { caption: description } : { description }),
    category: null,
    tags: [],
    likeCount: likes.size,
    commentCount: comments.length,
    viewCount: 7,
    isLiked: who !== undefined && likes.has(who.id),
    createdAt,
    workflowId: null,
    workflowShared: false,
    ...(v0 ? { imageUrl } : { image: { id: /images\/([^/]+)\/content$/.exec(imageUrl)?.[1] ?? 'none' }, imageUrl }),
    user: userOf(user),
    somethingNew: { nested: true },
  };
}

function snaked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snaked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]: [string, unknown]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snaked(inner),
    ]),
  );
}

function agent(who: FakeAccount | undefined): FakeAccount {
  if (!who) throw new Refused(400, { error: 'x-agent-id is missing' });
  return who;
}

function text(body: Readonly<Record<string, unknown>>, name: string, max: number): string {
  const value = body[name];
  if (typeof value !== 'string' || value.trim() === '' || Array.from(value).length > max)
    throw new Refused(422, { error: `${name} has 1 to ${max} characters` });
  return value.trim();
}

function textOr(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name] ?? '';
  if (typeof value !== 'string') throw new Refused(422, { error: `${name} is text` });
  return value;
}
