/**
 * Hints between parts of the product. A hint may be lost or come twice; whoever needs certainty also asks the rows from
 * time to time. The in-process driver reaches this process; the database driver adds every process on the same database
 * by NOTIFY. Equal hints that wait at the same moment are one.
 */
export interface Bus {
  /** Never waits and never fails for want of room: a full bus turns hints into `missed`. Publish after the commit. */
  publish(topic: string, payload: string): void;
  /**
   * `heard` runs later, never inside `publish`. `missed` runs when hints of this topic may have been lost: look at the
   * rows then. `exhausted` `bus_subscriptions_full` past `busLimits.subscriptionsMax`.
   */
  subscribe(topic: string, heard: (payload: string) => void, missed?: () => void): Disposable;
}

export const busLimits = {
  /** A topic names a kind of hint, such as `jobs.ready`. */
  topicBytesMax: 128,
  /** A hint says where to look, not what is there. Both together always fit one NOTIFY, however they are escaped. */
  payloadBytesMax: 1024,
  subscriptionsMax: 100_000,
  /** Different hints that wait to be heard in this process. */
  waitingMax: 10_000,
  /** Different hints that wait to be sent to other processes. */
  outgoingMax: 10_000,
} as const;
