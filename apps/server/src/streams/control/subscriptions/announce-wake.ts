import { asError, MusterError, reach } from '#kernel/base';
import { done, type Handler, snooze } from '#kernel/queue';
import { retryLater, wakingRow } from './deliver-wake.ts';
import type { Room } from './deps.ts';
import { wakePayload } from './jobs.ts';
import { isJson } from './put-subscription.ts';
import { wakeArrived } from './queries.ts';

/**
 * Puts the event of a wake into its wake stream. As a producer whose epoch is the generation, so that an attempt whose
 * answer was lost leaves one event and not two.
 */
export const announceHandler =
  (room: Room): Handler =>
  async (job) => {
    const { no, generation } = wakePayload.parse(job.payload);
    const row = await wakingRow(room, no, generation);
    if (!row) return done;
    if (row.resting && row.nextAttemptAt) return snooze(row.nextAttemptAt.getTime());
    const key = { projectId: row.projectId, path: row.wakeStream ?? '' };
    const event = { type: 'wake', subscription_id: row.id, stream: row.wokenBy, generation, ts: room.clock.now() };
    try {
      const head = await room.log.head(key);
      if (head && !isJson(head.contentType)) throw wrongType(key.path, head.contentType);
      await room.log.append({
        key,
        messages: [Buffer.from(JSON.stringify(event))],
        producer: { id: `muster.subscription.${no}`, epoch: generation, seq: 0 },
      });
    } catch (error) {
      if (!(error instanceof MusterError) || error.code === 'internal') throw error;
      room.events.announced('failed');
      return retryLater(room, row, `${key.path}: ${asError(error).message}`);
    }
    await reach('subscription.announced');
    room.events.announced('stored');
    await room.db.transaction((tx) => wakeArrived(tx, no, generation));
    return done;
  };

const wrongType = (path: string, contentType: string): MusterError =>
  new MusterError('conflict', {
    reason: 'content_type_differs',
    detail: `${path} holds ${contentType}; wake events are JSON.`,
  });
