import type * as Sdk from '@aws-sdk/client-s3';
import { asError, MusterError, unavailable } from '#kernel/base';
import { diskFullRetryMs, storageErrorRetryMs } from './faults.ts';

export type S3Options = {
  bucket: string;
  region: string;
  /** Without one: AWS itself. */
  endpoint?: string;
  /** Before every key, such as `muster/`; empty or ending with `/`. */
  prefix?: string;
  /** Without them: the machine's own credentials, as the AWS tools find them. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** Bucket in the path, not in the host name; most stores that are not AWS want it. Default: when `endpoint` is set. */
  pathStyle?: boolean;
};

const connectMsMax = 5_000;
/** Longest silence on a connection, not longest request. */
const silenceMsMax = 60_000;
const attemptsMax = 3;
const connectionsMax = 100;

/** The SDK is loaded when a store on S3 is opened: it costs 20 MB and half a second that others need not pay. */
export async function connectS3(options: S3Options): Promise<S3> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    region: options.region,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials ? { credentials: options.credentials } : {}),
    forcePathStyle: options.pathStyle ?? options.endpoint !== undefined,
    maxAttempts: attemptsMax,
    requestHandler: {
      connectionTimeout: connectMsMax,
      socketTimeout: silenceMsMax,
      httpsAgent: { maxSockets: connectionsMax },
    },
    // The defaults add trailing checksums, which stores other than AWS refuse or ignore.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return { sdk, client, bucket: options.bucket, prefix: options.prefix ?? '' };
}

export type S3 = { sdk: typeof Sdk; client: Sdk.S3Client; bucket: string; prefix: string };

const absent: ReadonlySet<string> = new Set(['NoSuchKey', 'NotFound', 'NoSuchUpload']);
const noRoom: ReadonlySet<string> = new Set([
  'QuotaExceeded',
  'XMinioStorageFull',
  'InsufficientStorage',
  'InsufficientCapacity',
]);

const isAbsent = (error: unknown): boolean => absent.has(asError(error).name);

/** Turns a failure of the store into the code that callers branch on; our own errors pass. */
export function s3Fault(error: unknown): MusterError {
  if (error instanceof MusterError) return error;
  const { name, message } = asError(error);
  return noRoom.has(name) || statusOf(error) === 507
    ? unavailable('disk_full', 'The object store is full.', { retryAfterMs: diskFullRetryMs, cause: error })
    : unavailable('storage_error', `The object store failed: ${name}: ${message}`, {
        retryAfterMs: storageErrorRetryMs,
        cause: error,
      });
}

/** The status of the answer: one to HEAD has no body that could name an error. */
function statusOf(error: unknown): number | undefined {
  const metadata: unknown = Reflect.get(asError(error), '$metadata');
  const status: unknown =
    typeof metadata === 'object' && metadata ? Reflect.get(metadata, 'httpStatusCode') : undefined;
  return typeof status === 'number' ? status : undefined;
}

/** Runs one call; what is not there becomes `undefined`. */
export async function orAbsent<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw s3Fault(error);
  }
}
