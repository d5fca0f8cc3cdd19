import type { Http } from '#kernel/http';
import type { Room } from '../room.ts';
import { appendFrame } from './append-frame.ts';
import { followFrame } from './follow-stream.ts';

/** What streams add to the one socket: `sub` and `append`, over the same rules as `/v1/stream/`. Before `http.start`. */
export function streamFrames(room: Room): (http: Pick<Http, 'frame' | 'subscription'>) => void {
  return (http) => {
    http.subscription(followFrame(room));
    http.frame(appendFrame(room));
  };
}
