export {
  type Appended,
  type BlobEntry,
  type BlobFacts,
  type BlobKey,
  type BlobStore,
  type BlobWriter,
  type ByteRange,
  blobListMax,
  type ResumableBlob,
} from './blobs.ts';
export { isWhole, release } from './chunks.ts';
export { type DiskBlobOptions, openDiskBlobs } from './disk.ts';
export { putBlob } from './put-blob.ts';
export { openS3Blobs, type S3BlobOptions } from './s3.ts';
export { verified } from './verified.ts';
