import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { BuildsServer } from './builds-server.ts';
import { type FormPart, formBody, formType } from './raw-http.ts';
import { certsZip, tinyZip } from './tiny-zip.ts';

/* Sends what the clients of the replaced controller send, byte by byte: their headers, their bodies, nothing of ours. */

export type LegacyAnswer = { status: number; headers: Headers; text: string; bytes: Buffer; body: any }; // oxlint-disable-line typescript/no-explicit-any -- JSON of many shapes

export type LegacySend = {
  headers?: Record<string, string>;
  /** An object goes as JSON with its content type; text and bytes go as they are. */
  body?: object | string | Uint8Array;
  form?: FormPart[];
};

export async function send(
  url: string,
  method: string,
  path: string,
  { headers = {}, body, form }: LegacySend = {},
): Promise<LegacyAnswer> {
  const bytes = form
    ? formBody(form)
    : body === undefined || typeof body === 'string' || body instanceof Uint8Array
      ? body
      : JSON.stringify(body);
  const typed = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  const json = body !== undefined && typeof bytes === 'string' && !typed;
  const type = form ? { 'content-type': formType } : json ? { 'content-type': 'application/json' } : {};
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { ...type, ...headers },
    ...(bytes === undefined ? {} : { body: bytes as Uint8Array<ArrayBuffer> | string }),
  });
  const raw = Buffer.from(await answer.arrayBuffer());
  const text = raw.toString();
  const parsed = (answer.headers.get('content-type') ?? '').startsWith('application/json') && text !== '';
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    bytes: raw,
    body: parsed ? JSON.parse(text) : undefined,
  };
}

/** A GET whose path is sent as it stands, dots and all: `fetch` would tidy it up first. */
export function getAsIs(
  url: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, method: 'GET', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    })
      .on('error', reject)
      .end();
  });
}

export const source = (text = 'console.log(1)'): Buffer => tinyZip([{ name: 'App.tsx', data: Buffer.from(text) }]);
export const ipa = (bytes = 3_000): Buffer => randomBytes(bytes);

/** The original CLI and the original workers of both generations, against one server. */
export class LegacyClient {
  readonly url: string;
  readonly key: string;

  constructor(server: Pick<BuildsServer, 'url'>, key: string) {
    this.url = server.url;
    this.key = key;
  }

  k(more: Record<string, string> = {}): Record<string, string> {
    return { 'X-API-Key': this.key, ...more };
  }

  send(method: string, path: string, options: LegacySend = {}): Promise<LegacyAnswer> {
    return send(this.url, method, path, options);
  }

  get(path: string, headers: Record<string, string> = this.k()): Promise<LegacyAnswer> {
    return this.send('GET', path, { headers });
  }

  post(path: string, body?: LegacySend['body'], headers: Record<string, string> = this.k()): Promise<LegacyAnswer> {
    return this.send('POST', path, { headers, ...(body === undefined ? {} : { body }) });
  }

  /** As the CLI does: source first, then platform, then the rest. */
  async submit(
    options: { certs?: boolean; platform?: string; source?: Uint8Array; more?: FormPart[] } = {},
  ): Promise<{ id: string; access_token: string }> {
    const form: FormPart[] = [
      { name: 'source', fileName: 'project.tar.gz', type: 'application/gzip', value: options.source ?? source() },
      { name: 'platform', value: options.platform ?? 'ios' },
      ...(options.certs ? [{ name: 'certs', fileName: 'certs.zip', type: 'application/zip', value: certsZip() }] : []),
      ...(options.more ?? []),
    ];
    const answer = await this.send('POST', '/api/builds/submit', { headers: this.k(), form });
    if (answer.status !== 200) throw new Error(`submit answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  async register(
    options: { id?: string; platforms?: string[]; count?: number; name?: string } = {},
  ): Promise<{ id: string; access_token: string; status: string }> {
    const capabilities = {
      maxConcurrentBuilds: 1,
      xcode_version: '15.0',
      ...(options.platforms ? { platforms: options.platforms } : {}),
    };
    const body = {
      name: options.name ?? 'Mac Studio',
      capabilities,
      ...(options.count === undefined ? {} : { active_build_count: options.count }),
      ...(options.id === undefined ? {} : { id: options.id }),
    };
    const answer = await this.post('/api/workers/register', body);
    if (answer.status !== 200) throw new Error(`register answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  /** New generation. */
  poll(token: string): Promise<LegacyAnswer> {
    return this.get('/api/workers/poll', { 'X-Worker-Token': token });
  }

  /** Old generation. */
  pollByKey(workerId: string): Promise<LegacyAnswer> {
    return this.get(`/api/workers/poll?worker_id=${workerId}`, this.k());
  }

  status(id: string, headers: Record<string, string> = this.k()): Promise<LegacyAnswer> {
    return this.get(`/api/builds/${id}/status`, headers);
  }

  async logs(id: string): Promise<{ timestamp: number; level: string; message: string }[]> {
    return (await this.get(`/api/builds/${id}/logs`)).body.logs;
  }

  /** A virtual machine of the new generation, up and authenticated. */
  async bootVm(id: string, otp: string): Promise<string> {
    const answer = await this.post(`/api/builds/${id}/authenticate`, { otp }, {});
    if (answer.status !== 200) throw new Error(`authenticate answered ${answer.status}: ${answer.text}`);
    return answer.body.vm_token;
  }

  result(form: FormPart[], headers: Record<string, string> = this.k()): Promise<LegacyAnswer> {
    return this.send('POST', '/api/workers/upload', { headers, form });
  }
}
