export { type BlobSource, type BuildFilter, Builds } from './builds.ts';
export { Client } from './client.ts';
export { type Call, Connection, type ConnectionOptions } from './connection.ts';
export { type DownloadOptions, download } from './download.ts';
export { type FollowOptions, follow, type Records } from './follow.ts';
export { type ApiKey, Keys, type NewKey } from './keys.ts';
export type { Patience } from './patience.ts';
export { type UploadOptions, upload } from './upload.ts';
export { Queues, Workers } from './workers.ts';
