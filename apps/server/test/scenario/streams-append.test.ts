/* What an append meets, row by row (streams §3), and which row speaks when several could. */
import { afterAll, expect, test } from 'vitest';
import { RawRequest } from '#test/raw-http';
import { startServer } from '#test/server';
import { type Ask, by, type Said, streamCalls } from '#test/stream-calls';

const server = await startServer();
afterAll(() => server[Symbol.asyncDispose]());
const { put, post, get, head, remove, everything } = streamCalls(server);

let count = 0;
/** A new stream; resolves with its path. */
async function fresh(ask: Ask = {}): Promise<string> {
  const path = `append/${++count}`;
  expect((await put(path, ask)).status).toBe(201);
  return path;
}
const json: Ask = { type: 'application/json' };
const close = { 'stream-closed': 'true' };
const refused = (said: Said): [number, string | undefined] => [said.status, said.reason];

test('success: 204 with the next offset; 200 for new data of a producer; 204 for closing; data and close in one', async () => {
  const path = await fresh();
  const one = await post(path, { body: 'a' });
  expect([one.status, one.headers.get('stream-next-offset')]).toEqual([204, expect.stringMatching(/^\d{16}_\d{15}1$/)]);
  const two = await post(path, { body: 'b', headers: by('p', 3, 0) });
  expect([two.status, two.headers.get('producer-epoch'), two.headers.get('producer-seq')]).toEqual([200, '3', '0']);
  const three = await post(path, { body: 'c', headers: close });
  expect([three.status, three.headers.get('stream-closed')]).toEqual([204, 'true']);
  expect(await everything(path)).toMatchObject({ text: 'abc', closed: true });
  const bare = await fresh();
  const closed = await post(bare, { type: null, headers: { 'Stream-Closed': 'TRUE' } });
  expect([closed.status, closed.headers.get('stream-closed')]).toEqual([204, 'true']);
});

test('row 1: path, credential, prefix', async () => {
  // Byte by byte: client libraries tidy some of these up.
  for (const path of [
    '',
    'a//b',
    'a/',
    'a/%2e%2e/b',
    'a/.',
    '%ff',
    `${'a/'.repeat(16)}a`,
    'a'.repeat(513),
    'a%0ab',
    'a%00',
  ]) {
    using request = new RawRequest(server.url);
    await request.head('POST', `/v1/stream/${path}`, { authorization: `Bearer ${server.key}`, 'content-length': 0 });
    const { status, text } = await request.answer();
    expect([path, status, text]).toEqual([path, 400, expect.stringContaining('"reason":"path_malformed"')]);
  }
  const path = await fresh();
  expect(refused(await post(path, { body: 'x', key: null }))).toEqual([401, 'no_credential']);
  expect(refused(await post(path, { body: 'x', key: 'nonsense' }))).toEqual([401, 'malformed_credential']);
  const reader = await server.makeKey('streams:read');
  expect(refused(await post(path, { body: 'x', key: reader.secret }))).toEqual([403, 'scope_missing']);
  expect(refused(await post('builds/events', { body: 'x' }))).toEqual([403, 'managed_stream']);
});

test('row 2: no such stream 404, kept for forks 410', async () => {
  expect(refused(await post('append/never', { body: 'x' }))).toEqual([404, 'stream_unknown']);
  const source = await fresh({ body: 'x' });
  await put(`${source}/fork`, { headers: { 'stream-forked-from': `/v1/stream/${source}` } });
  await remove(source);
  expect(refused(await post(source, { body: 'x' }))).toEqual([410, 'kept_for_forks']);
});

test('row 3: producer headers come together, with an id and whole numbers', async () => {
  const path = await fresh();
  const wrong: Record<string, string>[] = [
    { 'producer-id': 'p' },
    { 'producer-epoch': '0', 'producer-seq': '0' },
    { ...by('p', 0, 0), 'producer-id': '' },
    { ...by('p', 0, 0), 'producer-id': 'x'.repeat(257) },
    ...['-1', '1.5', '1e3', 'x', '', '9007199254740992', '+1'].map((bad) => ({
      ...by('p', 0, 0),
      'producer-epoch': bad,
    })),
    { ...by('p', 0, 0), 'producer-seq': '0x1' },
  ];
  for (const headers of wrong)
    expect(refused(await post(path, { body: 'x', headers }))).toEqual([400, 'producer_headers']);
  expect(refused(await post('append/never', { body: 'x', headers: { 'producer-id': 'p' } }))).toEqual([
    404,
    'stream_unknown',
  ]);
  expect((await post(path, { body: 'x', headers: by('p', 2 ** 53 - 1, 0) })).status).toBe(200);
});

test('row 4: an empty body only closes, and a body says what it is', async () => {
  const path = await fresh();
  expect(refused(await post(path))).toEqual([400, 'body_empty']);
  expect(refused(await post(path, { headers: { 'stream-closed': 'yes' } }))).toEqual([400, 'body_empty']);
  expect(refused(await post(path, { type: null, body: 'x' }))).toEqual([400, 'content_type_missing']);
  expect(refused(await post('append/never', { type: null, body: 'x' }))).toEqual([404, 'stream_unknown']);
});

test('row 5: an older epoch is fenced, and told the present one', async () => {
  const path = await fresh();
  await post(path, { body: 'a', headers: by('p', 7, 0) });
  const old = await post(path, { body: 'b', headers: by('p', 6, 0) });
  expect([...refused(old), old.headers.get('producer-epoch')]).toEqual([403, 'producer_fenced', '7']);
});

test('row 6: a repeat is 204 with the highest seq, whatever its body, also on a closed stream', async () => {
  const path = await fresh(json);
  for (const seq of [0, 1, 2]) await post(path, { ...json, body: `${seq}`, headers: by('p', 0, seq) });
  for (const body of ['0', '{broken', '[]']) {
    const again = await post(path, { ...json, body, headers: by('p', 0, 0) });
    expect([again.status, again.headers.get('producer-seq'), again.headers.get('stream-closed')]).toEqual([
      204,
      '2',
      null,
    ]);
  }
  expect((await post(path, { body: 'other type', headers: by('p', 0, 1) })).status).toBe(204);
  await post(path, { ...json, body: '3', headers: { ...by('p', 0, 3), ...close } });
  const afterClose = await post(path, { ...json, body: '3', headers: { ...by('p', 0, 3), ...close } });
  expect([afterClose.status, afterClose.headers.get('stream-closed')]).toEqual([204, 'true']);
  expect((await everything(path)).text).toBe('[0,1,2,3]');
});

test('row 6: a repeat that comes while the first is on its way waits for it and says the same', async () => {
  const path = await fresh();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => post(path, { body: 'once', headers: by('p', 0, 0) })),
  );
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
    200,
    ...Array.from({ length: 19 }, () => 204),
  ]);
  expect(new Set(answers.map(({ headers }) => headers.get('stream-next-offset'))).size).toBe(1);
  expect((await everything(path)).text).toBe('once');
});

test('row 7: closed is closed; closing again without a body or producer is fine', async () => {
  const path = await fresh({ body: 'x' });
  await post(path, { type: null, headers: close });
  const late = await post(path, { body: 'y' });
  const tail = (await head(path)).headers.get('stream-next-offset');
  expect([...refused(late), late.headers.get('stream-closed'), late.headers.get('stream-next-offset')]).toEqual([
    409,
    'stream_closed',
    'true',
    tail,
  ]);
  expect((await post(path, { type: null, headers: close })).status).toBe(204);
  expect(refused(await post(path, { type: null, headers: { ...close, ...by('p', 0, 0) } }))).toEqual([
    409,
    'stream_closed',
  ]);
  expect(refused(await post(path, { body: 'y', headers: close }))).toEqual([409, 'stream_closed']);
});

test('row 8: another content type, JSON that is none, an empty array', async () => {
  const path = await fresh(json);
  expect(refused(await post(path, { type: 'text/plain', body: '1' }))).toEqual([409, 'content_type_differs']);
  expect((await post(path, { type: 'Application/JSON; charset=utf-8', body: '1' })).status).toBe(204);
  for (const body of ['{', 'nope', '1 2', Buffer.from([0x22, 0xff, 0x22])])
    expect(refused(await post(path, { ...json, body }))).toEqual([400, 'json_invalid']);
  expect(refused(await post(path, { ...json, body: ' [ ] ' }))).toEqual([400, 'json_empty_array']);
  expect((await post(path, { type: 'image/png', headers: close })).status).toBe(204);
  expect((await everything(path)).text).toBe('[1]');
});

test('row 9: epochs begin with seq 0, seqs go up by one', async () => {
  const path = await fresh();
  const first = await post(path, { body: 'x', headers: by('p', 0, 4) });
  expect([
    ...refused(first),
    first.headers.get('producer-expected-seq'),
    first.headers.get('producer-received-seq'),
  ]).toEqual([409, 'producer_gap', '0', '4']);
  await post(path, { body: 'x', headers: by('p', 5, 0) });
  expect(refused(await post(path, { body: 'x', headers: by('p', 6, 1) }))).toEqual([400, 'producer_epoch_start']);
  const gap = await post(path, { body: 'x', headers: by('p', 5, 3) });
  expect([...refused(gap), gap.headers.get('producer-expected-seq'), gap.headers.get('producer-received-seq')]).toEqual(
    [409, 'producer_gap', '1', '3'],
  );
  expect((await post(path, { body: 'x', headers: by('p', 6, 0) })).status).toBe(200);
});

test('row 10: Stream-Seq is compared byte by byte, over all writers of the stream', async () => {
  const path = await fresh();
  const seq = (value: string): Ask => ({ body: 'x', headers: { 'stream-seq': value } });
  expect((await post(path, seq('10'))).status).toBe(204);
  expect((await post(path, seq('9'))).status).toBe(204);
  for (const old of ['9', '10', '1', '']) {
    const said = await post(path, seq(old));
    expect([old, said.status]).toEqual([old, old === '' ? 400 : 409]);
    if (old !== '') expect(said.reason).toBe('writer_seq');
  }
  expect((await post(path, { body: 'x' })).status).toBe(204);
});

test('row 11: Stream-Expected-Offset is the tail, of this very stream', async () => {
  const path = await fresh();
  const expecting = (offset: string): Ask => ({ body: 'x', headers: { 'stream-expected-offset': offset } });
  expect((await post(path, expecting('-1'))).status).toBe(204);
  const tail = (await head(path)).headers.get('stream-next-offset') ?? '';
  const moved = await post(path, expecting('-1'));
  expect([...refused(moved), moved.headers.get('stream-next-offset')]).toEqual([409, 'tail_moved', tail]);
  expect((await post(path, expecting(tail))).status).toBe(204);
  expect(refused(await post(path, expecting(tail)))).toEqual([409, 'tail_moved']);
  expect(refused(await post(path, expecting('now')))).toEqual([400, 'offset_malformed']);
  const lasts = (await head(path)).headers.get('stream-next-offset') ?? '';
  await remove(path);
  await put(path);
  for (let i = 0; i < 2; i++) await post(path, { body: 'x' });
  expect((await head(path)).headers.get('stream-next-offset')?.slice(17)).toBe(lasts.slice(17));
  expect(refused(await post(path, expecting(lasts)))).toEqual([409, 'tail_moved']);
});

test('the first row that applies speaks', async () => {
  const path = await fresh(json);
  await post(path, { ...json, body: '1', headers: { ...by('p', 5, 0), 'stream-seq': 'm' } });
  const both = async (headers: Record<string, string>, ask: Ask = json): Promise<string | undefined> =>
    (await post(path, { body: '1', ...ask, headers })).reason;
  expect(await both({ ...by('p', 4, 0) }, { type: 'text/plain' })).toBe('producer_fenced');
  expect(await both({ ...by('p', 5, 9) }, { type: 'text/plain' })).toBe('content_type_differs');
  expect(await both({ ...by('p', 5, 9) }, { ...json, body: '{' })).toBe('json_invalid');
  expect(await both({ ...by('p', 5, 9), 'stream-seq': 'a' })).toBe('producer_gap');
  expect(await both({ 'stream-seq': 'a', 'stream-expected-offset': '-1' })).toBe('writer_seq');
  await post(path, { type: null, headers: close });
  expect(await both({ ...by('p', 4, 0) })).toBe('producer_fenced');
  expect(await both({}, { type: 'text/plain' })).toBe('stream_closed');
  expect(await both({}, { ...json, body: '{' })).toBe('stream_closed');
});

test('nothing of a refused append is stored', async () => {
  const path = await fresh(json);
  await post(path, { ...json, body: '[1,2', headers: by('q', 0, 0) });
  await post(path, {
    ...json,
    body: '[1]',
    headers: { 'stream-expected-offset': '0000000000000001_0000000000000009', 'stream-seq': 'z' },
  });
  expect((await post(path, { ...json, body: '1', headers: { ...by('q', 0, 0), 'stream-seq': 'a' } })).status).toBe(200);
  expect((await everything(path)).text).toBe('[1]');
});

test('JSON is taken apart by one level and stored as it came', async () => {
  const path = await fresh(json);
  await post(path, { ...json, body: '[ 1.50 , {"b":1,"a":2,"a":3} ,"\\u00e9", [1 ,2]]' });
  await post(path, { ...json, body: '[[3,4]]' });
  await post(path, { ...json, body: ' {"n" : 1e2} ' });
  expect((await everything(path)).text).toBe('[1.50,{"b":1,"a":2,"a":3},"\\u00e9",[1 ,2],[3,4],{"n" : 1e2}]');
  expect((await get(path)).headers.get('stream-next-offset')).toMatch(/_0{15}6$/);
});

test('a body over the limit is 413, and the client hears it; at the limit it is taken', {
  timeout: 30_000,
}, async () => {
  const path = await fresh({ type: 'application/octet-stream' });
  const bytes = { type: 'application/octet-stream' };
  const most = 8 * 2 ** 20;
  expect((await post(path, { ...bytes, body: Buffer.alloc(most, 1) })).status).toBe(204);
  for (const size of [most + 1, 20 * 2 ** 20]) {
    const said = await post(path, { ...bytes, body: Buffer.alloc(size, 1) });
    expect(refused(said)).toEqual([413, 'body_too_large']);
  }
  const many = await fresh(json);
  expect(refused(await post(many, { ...json, body: `[${'1,'.repeat(10_000)}1]` }))).toEqual([413, 'body_too_large']);
  expect((await post(many, { ...json, body: `[${'1,'.repeat(9_999)}1]` })).status).toBe(204);
});

test('an undeclared body is counted as it comes; a packed one is refused', async () => {
  const path = await fresh({ type: 'application/octet-stream' });
  const stream = (chunks: number): ReadableStream<Uint8Array> =>
    ReadableStream.from(Array.from({ length: chunks }, () => new Uint8Array(2 ** 20)));
  const send = (chunks: number): Promise<Response> =>
    fetch(`${server.url}/v1/stream/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/octet-stream' },
      body: stream(chunks),
      duplex: 'half',
    });
  expect((await send(3)).status).toBe(204);
  expect((await send(12)).status).toBe(413);
  const packed = await post(path, {
    type: 'application/octet-stream',
    body: 'x',
    headers: { 'content-encoding': 'gzip' },
  });
  expect(refused(packed)).toEqual([415, 'wrong_content_encoding']);
});
