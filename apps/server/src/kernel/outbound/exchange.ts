import { type ClientRequest, type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { asError, unavailable } from '#kernel/base';
import { outboundLimits } from './limits.ts';
import type { OutboundAnswer, OutboundCall } from './outbound.ts';
import type { Target } from './target.ts';

/**
 * One request and its whole answer, on a connection of its own to one of the target's addresses. The name stays what
 * the certificate is checked against and what `Host` says; nobody looks it up again.
 */
export function exchange(
  target: Target,
  call: OutboundCall,
  signal: AbortSignal,
  connected: () => void,
): Promise<OutboundAnswer> {
  const { url, addresses } = target;
  const options: RequestOptions = {
    method: call.method,
    headers: {
      ...call.headers,
      ...(call.body === undefined ? {} : { 'content-length': String(call.body.byteLength) }),
      connection: 'close',
    },
    agent: false,
    maxHeaderSize: outboundLimits.answerHeaderBytesMax,
    lookup: (_host, { all }, done) => {
      const [first] = addresses;
      if (all === true) done(null, [...addresses]);
      else done(null, first?.address ?? '', first?.family ?? 4);
    },
    signal,
  };
  const { promise, resolve, reject } = Promise.withResolvers<OutboundAnswer>();
  const open: (url: URL, options: RequestOptions) => ClientRequest =
    url.protocol === 'https:' ? tlsRequest : plainRequest;
  const request = open(url, options);
  request.on('error', (error) => reject(failureOf(error, signal)));
  request.on('response', (response) => {
    readAnswer(response, call.answerBytesMax ?? outboundLimits.answerBytesMax, signal).then(
      resolve,
      (error: unknown) => {
        request.destroy();
        reject(asError(error));
      },
    );
  });
  // An answer we never asked for: nothing of ours speaks anything but HTTP over this.
  request.on('upgrade', (_response, socket) => socket.destroy());
  // Headers stay here until the connection stands: before that nothing has left, whatever happens.
  request.on('socket', (socket) => {
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      if (signal.aborted) return;
      connected();
      if (call.may?.() === false) request.destroy(withheld());
      else request.end(call.body);
    });
  });
  return promise;
}

const withheld = (): Error => unavailable('outbound_withheld', 'The call was held back right before its first byte.');

async function readAnswer(response: IncomingMessage, bytesMax: number, signal: AbortSignal): Promise<OutboundAnswer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      parts.push(part);
    }
  } catch (error) {
    throw failureOf(asError(error), signal);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) };
}

const tooLarge = (bytesMax: number): Error =>
  unavailable('outbound_answer_too_large', `The answer is longer than ${bytesMax} bytes; the rest was not read.`);

const untrusted = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;

/** Why nothing came back, in our words. The address is left out: who asks may not be who runs the network. */
function failureOf(error: Error, signal: AbortSignal): Error {
  if ('reason' in error && 'code' in error && error.code === 'unavailable') return error;
  if (signal.aborted) return asError(signal.reason);
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || isAllRefused(error))
    return unavailable('outbound_refused', 'Nobody answers there: the connection was refused.', { cause: error });
  if (untrusted.test(code))
    return unavailable('outbound_untrusted', `The certificate or its TLS cannot be trusted (${code}).`, {
      cause: error,
    });
  return unavailable(
    'outbound_broken',
    `The connection broke before a whole answer had come${code === '' ? '' : ` (${code})`}.`,
    {
      cause: error,
    },
  );
}

const isAllRefused = (error: Error): boolean =>
  error instanceof AggregateError &&
  error.errors.every((each: unknown) => Reflect.get(asError(each), 'code') === 'ECONNREFUSED');
