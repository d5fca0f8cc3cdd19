import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Stored = { body: Buffer; at: number };
type Upload = { key: string; parts: Map<number, Stored>; at: number };

/** What a request should meet instead of an answer. */
export type Fault = { status: number; code: string } | 'cut';

/**
 * An S3 store as far as ours talks to it, strict where the real one is: parts of 5 MiB but the last, tags that must
 * match, no trailing checksums (which many stores refuse), signed requests only. Objects lie in memory.
 */
export type FakeS3 = AsyncDisposable & {
  endpoint: string;
  bucket: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  objects: Map<string, Stored>;
  uploads: Map<string, Upload>;
  /** Every request, as `METHOD /key?query`. */
  requests: string[];
  /** Asked before each request; a fault is met instead. */
  fault: (request: string) => Fault | undefined;
  /** Answers are sent in pieces with a pause in between. */
  slow: boolean;
};

const partBytesMin = 5 * 1024 * 1024;
const md5 = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`;
const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const iso = (at: number): string => new Date(at).toISOString();
const xml = (root: string, body: string): string => `<?xml version="1.0" encoding="UTF-8"?><${root}>${body}</${root}>`;

class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

export async function fakeS3(): Promise<FakeS3> {
  const fake: Omit<FakeS3, 'endpoint' | typeof Symbol.asyncDispose> = {
    bucket: 'test-bucket',
    credentials: { accessKeyId: 'test-access', secretAccessKey: 'test-secret' },
    objects: new Map(),
    uploads: new Map(),
    requests: [],
    fault: () => undefined,
    slow: false,
  };
  const server = createServer((request, response) => {
    handle(fake, request, response).catch((error: unknown) => {
      const { status, code } = error instanceof S3Error ? error : new S3Error(500, 'InternalError');
      send(response, status, xml('Error', `<Code>${code}</Code><Message>${escape(String(error))}</Message>`));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(fake, {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

type State = Omit<FakeS3, 'endpoint' | typeof Symbol.asyncDispose>;

async function handle(fake: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://s3');
  const [, bucket = '', ...rest] = url.pathname.split('/');
  const key = decodeURIComponent(rest.join('/'));
  const query = url.searchParams;
  const method = request.method ?? 'GET';
  const line = `${method} /${key}${url.search}`;
  fake.requests.push(line);
  const fault = fake.fault(line);
  if (fault === 'cut') return void request.socket.destroy();
  const body = await bodyOf(request);
  if (fault) throw new S3Error(fault.status, fault.code);
  check(fake, request, bucket);

  if (key === '' && method === 'GET') {
    return send(response, 200, query.has('uploads') ? listUploads(fake, query) : listObjects(fake, query));
  }
  const upload = query.has('uploadId') ? fake.uploads.get(query.get('uploadId') ?? '') : undefined;
  if (query.has('uploadId') && upload?.key !== key) throw new S3Error(404, 'NoSuchUpload');
  if (upload) return onUpload(fake, upload, { method, key, query, body, response });
  if (method === 'POST' && query.has('uploads')) {
    const id = randomUUID();
    fake.uploads.set(id, { key, parts: new Map(), at: Date.now() });
    return send(response, 200, xml('InitiateMultipartUploadResult', `<UploadId>${id}</UploadId>`));
  }
  if (method === 'PUT') {
    fake.objects.set(key, { body, at: Date.now() });
    return send(response, 200, '', { ETag: md5(body) });
  }
  if (method === 'DELETE') {
    fake.objects.delete(key);
    return send(response, 204, '');
  }
  const object = fake.objects.get(key);
  if (!object) throw new S3Error(404, 'NoSuchKey');
  if (method === 'HEAD')
    return void response.writeHead(200, { 'Content-Length': object.body.length, ETag: md5(object.body) }).end();
  await sendObject(fake, request, response, object);
}

function onUpload(
  fake: State,
  upload: Upload,
  {
    method,
    key,
    query,
    body,
    response,
  }: { method: string; key: string; query: URLSearchParams; body: Buffer; response: ServerResponse },
): void {
  const id = query.get('uploadId') ?? '';
  switch (method) {
    case 'PUT':
      upload.parts.set(Number(query.get('partNumber')), { body, at: Date.now() });
      return send(response, 200, '', { ETag: md5(body) });
    case 'GET': {
      const marker = Number(query.get('part-number-marker') ?? 0);
      const later = [...upload.parts].filter(([number]) => number > marker).sort(([a], [b]) => a - b);
      const page = later.slice(0, 2); // small pages, so that paging is met
      const parts = page.map(
        ([number, part]) =>
          `<Part><PartNumber>${number}</PartNumber><ETag>${escape(md5(part.body))}</ETag><Size>${part.body.length}</Size><LastModified>${iso(part.at)}</LastModified></Part>`,
      );
      const more = later.length > page.length;
      const next = more ? `<NextPartNumberMarker>${page.at(-1)?.[0]}</NextPartNumberMarker>` : '';
      return send(response, 200, xml('ListPartsResult', `<IsTruncated>${more}</IsTruncated>${next}${parts.join('')}`));
    }
    case 'DELETE':
      fake.uploads.delete(id);
      return send(response, 204, '');
    case 'POST': {
      const wanted = [...body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
        number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
        etag: /<ETag>(.*?)</.exec(part)?.[1]?.replaceAll('&quot;', '"'),
      }));
      const parts = wanted.map(({ number, etag }, i) => {
        const part = upload.parts.get(number);
        if (!part || md5(part.body) !== etag) throw new S3Error(400, 'InvalidPart');
        if (i > 0 && (wanted[i - 1]?.number ?? 0) >= number) throw new S3Error(400, 'InvalidPartOrder');
        if (i < wanted.length - 1 && part.body.length < partBytesMin) throw new S3Error(400, 'EntityTooSmall');
        return part.body;
      });
      fake.objects.set(key, { body: Buffer.concat(parts), at: Date.now() });
      fake.uploads.delete(id);
      return send(response, 200, xml('CompleteMultipartUploadResult', `<Key>${escape(key)}</Key>`));
    }
    default:
      throw new S3Error(405, 'MethodNotAllowed');
  }
}

function check(fake: State, request: IncomingMessage, bucket: string): void {
  const { authorization = '' } = request.headers;
  if (!authorization.startsWith(`AWS4-HMAC-SHA256 Credential=${fake.credentials.accessKeyId}/`))
    throw new S3Error(403, 'AccessDenied');
  if (bucket !== fake.bucket) throw new S3Error(404, 'NoSuchBucket');
  const trailing =
    request.headers['x-amz-trailer'] !== undefined || request.headers['content-encoding'] === 'aws-chunked';
  if (trailing || request.headers['x-amz-sdk-checksum-algorithm'] !== undefined)
    throw new S3Error(501, 'NotImplemented');
}

function listObjects(fake: State, query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const max = Math.min(Number(query.get('max-keys') ?? 1000), 3); // small pages, so that paging is met
  const keys = [...fake.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, max);
  const contents = page.map((key) => {
    const { body, at } = fake.objects.get(key) ?? { body: Buffer.alloc(0), at: 0 };
    return `<Contents><Key>${escape(key)}</Key><Size>${body.length}</Size><LastModified>${iso(at)}</LastModified></Contents>`;
  });
  const more = keys.length > page.length;
  const next = more ? `<NextContinuationToken>${escape(page.at(-1) ?? '')}</NextContinuationToken>` : '';
  return xml('ListBucketResult', `<IsTruncated>${more}</IsTruncated>${next}${contents.join('')}`);
}

function listUploads(fake: State, query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const found = [...fake.uploads].filter(([, upload]) => upload.key.startsWith(prefix));
  const body = found.map(
    ([id, upload]) =>
      `<Upload><Key>${escape(upload.key)}</Key><UploadId>${id}</UploadId><Initiated>${iso(upload.at)}</Initiated></Upload>`,
  );
  return xml('ListMultipartUploadsResult', body.join(''));
}

async function sendObject(
  fake: State,
  request: IncomingMessage,
  response: ServerResponse,
  { body }: Stored,
): Promise<void> {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  const start = Number(range?.[1] ?? 0);
  const end = Math.min(Number(range?.[2] ?? body.length - 1), body.length - 1);
  if (range && start >= body.length) throw new S3Error(416, 'InvalidRange');
  const part = body.subarray(start, end + 1);
  response.writeHead(range ? 206 : 200, { 'Content-Length': part.length, ETag: md5(body) });
  for (let at = 0; at < part.length; at += 64 * 1024) {
    response.write(part.subarray(at, at + 64 * 1024));
    if (fake.slow) await new Promise((resolve) => void setTimeout(resolve, 2));
  }
  response.end();
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/xml', ...headers }).end(body);
}
