import type { IncomingMessage } from 'node:http';
import { AddressSet, isLoopback, plainAddress } from '#kernel/auth';
import { invalid } from '#kernel/base';
import { headerOf } from './call.ts';

export type EdgeOptions = {
  host: string;
  publicUrl?: URL | undefined;
  /** Without a slash at its end; empty = at the root. */
  basePath: string;
  trustProxy: readonly string[];
  corsOrigins: readonly string[];
};

const knownMax = 10_000;

/** Whom a request comes from and what it was sent to, seen through the proxies we trust. */
export class Edge {
  readonly #trusted: AddressSet;
  readonly #known = new Map<string, boolean>();
  readonly #plainOnes = new Map<string, string>();
  /** Names that were found to be ours, from loopback and from elsewhere. */
  readonly #ours = [new Set<string>(), new Set<string>()] as const;
  readonly #options: EdgeOptions;
  readonly #loopbackOnly: boolean;

  constructor(options: EdgeOptions) {
    this.#options = options;
    this.#trusted = new AddressSet(options.trustProxy);
    this.#loopbackOnly = options.host === 'localhost' || isLoopback(options.host);
  }

  trusts(request: IncomingMessage): boolean {
    return this.#isProxy(request.socket.remoteAddress ?? '');
  }

  #plain(peer: string): string {
    const known = this.#plainOnes.get(peer);
    if (known !== undefined) return known;
    if (this.#plainOnes.size >= knownMax) this.#plainOnes.clear();
    const plain = plainAddress(peer);
    this.#plainOnes.set(peer, plain);
    return plain;
  }

  /** The last answers are kept: nearly all requests come from a few addresses. */
  #isProxy(address: string): boolean {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const trusted = this.#trusted.has(address);
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(address, trusted);
    return trusted;
  }

  /** The first address, from our end of the chain, that is not a trusted proxy. Headers of strangers say nothing. */
  addressOf(request: IncomingMessage): string {
    const { headers, socket } = request;
    const peer = socket.remoteAddress ?? '';
    // Nearly all requests; the rest is text work that is not done for each of them.
    if (headers['x-forwarded-for'] === undefined && headers['forwarded'] === undefined) return this.#plain(peer);
    let address = this.#plain(peer);
    if (!this.#isProxy(address)) return address;
    for (const hop of hops(request).toReversed()) {
      if (!/^[0-9a-fA-F:.]+$/.test(hop)) return address;
      address = hop;
      if (!this.#isProxy(address)) return address;
    }
    return address;
  }

  /** Whether the client's side of the connection is encrypted. */
  isHttps(request: IncomingMessage): boolean {
    if ('encrypted' in request.socket && request.socket.encrypted === true) return true;
    const said = headerOf(request.headers, 'x-forwarded-proto');
    return said !== undefined && this.trusts(request) && said.split(',')[0]?.trim() === 'https';
  }

  /** The path inside Muster: the base path is taken off when it is there, so both kinds of proxy work. */
  inside(url: string): string {
    const { basePath } = this.#options;
    if (basePath === '' || !url.startsWith(basePath)) return url;
    const rest = url.slice(basePath.length);
    return rest === '' ? '/' : rest.startsWith('/') ? rest : rest.startsWith('?') ? `/${rest}` : url;
  }

  /**
   * A page of another site may point its own name at this machine (name rebinding). On loopback only loopback names and
   * the public URL are ours; elsewhere the public URL decides, when there is one.
   */
  checkHost(request: IncomingMessage, path: string): void {
    if (probes.has(path)) return;
    const { publicUrl } = this.#options;
    if (!this.#loopbackOnly && !publicUrl) return;
    const host = headerOf(request.headers, 'host');
    if (host === undefined) return;
    const known = this.#ours[this.#loopbackOnly || isLoopback(request.socket.remoteAddress ?? '') ? 1 : 0];
    if (known.has(host)) return;
    this.#checkName(host, request);
    if (known.size >= knownMax) known.clear();
    known.add(host);
  }

  #checkName(host: string, request: IncomingMessage): void {
    const { publicUrl } = this.#options;
    const name = host.replace(/:\d+$/, '').toLowerCase();
    if (name === publicUrl?.hostname) return;
    const fromHere = this.#loopbackOnly || isLoopback(request.socket.remoteAddress ?? '');
    if (fromHere && (name === 'localhost' || name.endsWith('.localhost') || isLoopback(name))) return;
    throw invalid(
      'unknown_host',
      `This server does not answer to the name ${JSON.stringify(name.slice(0, 100))}. Set MUSTER_PUBLIC_URL to the address it is reached by.`,
      {
        status: 421,
      },
    );
  }

  /** An address of this server for the outside: by the public URL; on loopback by the name the client used; else the path alone. */
  absolute(request: IncomingMessage, path: string): string {
    const { publicUrl, basePath } = this.#options;
    if (publicUrl) return `${publicUrl.origin}${basePath}${path}`;
    const host = this.#loopbackOnly ? headerOf(request.headers, 'host') : undefined;
    return host === undefined
      ? `${basePath}${path}`
      : `${this.isHttps(request) ? 'https' : 'http'}://${host}${basePath}${path}`;
  }

  /** CORS headers for an answer of a route that allows it; empty for the rest. Never with credentials. */
  corsHeaders(request: IncomingMessage, allowed: 'public' | 'origins' | undefined): Record<string, string> {
    const origin = headerOf(request.headers, 'origin');
    if (allowed === undefined || origin === undefined) return {};
    const expose = {
      'access-control-expose-headers':
        'etag, location, retry-after, x-request-id, x-total-count, ratelimit-limit, ratelimit-remaining, ratelimit-reset',
    };
    if (allowed === 'public' || this.#options.corsOrigins.includes('*'))
      return { 'access-control-allow-origin': '*', ...expose };
    return this.#options.corsOrigins.includes(origin)
      ? { 'access-control-allow-origin': origin, vary: 'origin', ...expose }
      : { vary: 'origin' };
  }
}

/** Asked by supervisors and probes, often by address. They tell nothing a name could protect. */
const probes = new Set(['/health', '/api/health', '/ready', '/metrics']);

/** Addresses a request passed, farthest first, from `Forwarded` or else `X-Forwarded-For`. */
function hops(request: IncomingMessage): string[] {
  const forwarded = headerOf(request.headers, 'forwarded');
  if (forwarded !== undefined) {
    return [...forwarded.matchAll(/(?:^|[;,])\s*for\s*=\s*(?:"([^"]*)"|([^;,\s]*))/gi)].map((found) =>
      bare(found[1] ?? found[2] ?? ''),
    );
  }
  const list = request.headers['x-forwarded-for'];
  return (Array.isArray(list) ? list.join(',') : (list ?? ''))
    .split(',')
    .map((hop) => bare(hop.trim()))
    .filter((hop) => hop !== '');
}

/** `1.2.3.4:5678` and `[2001:db8::1]:5678` without their port. */
function bare(hop: string): string {
  const bracketed = /^\[([^\]]+)\]/.exec(hop)?.[1];
  if (bracketed !== undefined) return plainAddress(bracketed);
  return plainAddress(/^\d+\.\d+\.\d+\.\d+:\d+$/.test(hop) ? hop.slice(0, hop.lastIndexOf(':')) : hop);
}

/** Headers of every answer. Pages of ours (reference, dashboard) set their own CSP. */
export function securityHeaders(https: boolean): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    ...(https ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}

/** What a URL must be before anything is looked up by it. */
export function checkPath(url: string, urlBytesMax: number): void {
  if (url.length > urlBytesMax)
    throw invalid('url_too_long', `The URL is longer than ${urlBytesMax} bytes.`, { status: 414 });
  const path = url.split('?', 1)[0] ?? '';
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch (error) {
    throw invalid('bad_path', 'The path is not valid percent-encoded UTF-8.', { cause: error });
  }
  if (decoded.includes('\0')) throw invalid('bad_text', 'The path holds a NUL character.');
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(path.replaceAll(/%2e/gi, '.')))
    throw invalid('bad_path', 'A path may not hold "." or ".." as a step.');
}
