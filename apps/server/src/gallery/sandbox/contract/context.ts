import type { Clock } from '#kernel/base';
import type { SandboxAnswer } from '../room/answers.ts';
import type { SandboxPrincipal } from '../room/caller.ts';
import type { SandboxRoom } from '../room/room.ts';

/** One call of the contract, after it was known whose it is. */
export type ContractCall = {
  room: SandboxRoom;
  who: SandboxPrincipal;
  clock: Clock;
  /** The time of this call, read once. */
  at: Date;
  method: string;
  /** Steps of the path that stand for something, decoded. */
  params: readonly string[];
  query: URLSearchParams;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array | undefined;
};
export type ContractHandler = (call: ContractCall) => Promise<SandboxAnswer>;
