import { readFileSync, statSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { asError, type Clock, unavailable } from '#kernel/base';
import type { Logger } from '#kernel/telemetry';

export type TlsFiles = { certFile: string; keyFile: string };
export type AnyServer = Server | TlsServer;

/** One HTTP server; with `tls` an HTTPS one whose files are read again when they change. */
export function makeServer(listener: RequestListener, headerBytesMax: number, tls: TlsFiles | undefined): AnyServer {
  const options: ServerOptions = {
    maxHeaderSize: headerBytesMax,
    // A header that does not end within 30 s is not a request; bodies have their own watch.
    headersTimeout: 30_000,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 5000,
    noDelay: true,
  };
  if (!tls) return createServer(options, listener);
  try {
    return createTlsServer({ ...options, ...readTls(tls), minVersion: 'TLSv1.2' }, listener);
  } catch (error) {
    const detail = `The certificate ${tls.certFile} and the key ${tls.keyFile} cannot be used: ${asError(error).message}.`;
    throw unavailable('tls_unusable', detail, { cause: error });
  }
}

function readTls(tls: TlsFiles): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
}

/** Looks every `everyMs` whether certificate or key changed. A pair that does not work is reported and the old one stays. */
export function followTls(
  server: AnyServer,
  tls: TlsFiles,
  clock: Clock,
  logger: Logger,
  everyMs = 30_000,
): Disposable {
  const stamp = (): string => [tls.certFile, tls.keyFile].map((file) => statSync(file).mtimeMs).join();
  let seen = stamp();
  let timer: Disposable;
  const look = (): void => {
    try {
      const now = stamp();
      if (now !== seen && 'setSecureContext' in server) {
        seen = now;
        server.setSecureContext({ ...readTls(tls), minVersion: 'TLSv1.2' });
        logger.info({}, 'certificate read again');
      }
    } catch (error) {
      logger.error({ error: asError(error) }, 'the renewed certificate does not work; the old one stays');
    }
    timer = clock.after(everyMs, look);
  };
  timer = clock.after(everyMs, look);
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

export async function listen(server: AnyServer, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error & { code?: string }): void => reject(sayWhy(error, host, port));
    server.once('error', onError);
    server.listen({ host, port, exclusive: true, backlog: 1024 }, () => {
      server.off('error', onError);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a TCP server's address is never text
}

function sayWhy(error: Error & { code?: string }, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return unavailable(
      'port_taken',
      `Port ${port} on ${host} is taken by another process. Stop that one, or choose another port with --port or MUSTER_PORT.`,
      { cause: error },
    );
  }
  if (error.code === 'EACCES') {
    return unavailable(
      'port_forbidden',
      `This user may not listen on port ${port}. Choose one from 1024 on with --port or MUSTER_PORT.`,
      { cause: error },
    );
  }
  if (error.code === 'EADDRNOTAVAIL') {
    return unavailable('host_unknown', `${host} is not an address of this machine. Set --host or MUSTER_HOST.`, {
      cause: error,
    });
  }
  return error;
}

export async function closeServer(server: AnyServer): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}
