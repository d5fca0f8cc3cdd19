/**
 * Streams: the public Durable Streams protocol at `/v1/stream/*` over `#kernel/log`. A stream is a URL; anything may be
 * appended, anyone allowed may read it from any point, wait for more, and come back after a cut.
 */
export type { StreamsDeps } from './deps.ts';
export { type StreamsConfig, streamsDefaults } from './limits.ts';
export type { Shown, StreamRoom } from './rooms.ts';
export { createStreams, type Streams } from './streams.ts';
