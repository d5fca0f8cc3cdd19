/* What only Node can do; browsers import `@muster/client` alone. */
export { type FileOutboxOptions, fileOutbox } from './file-outbox.ts';
