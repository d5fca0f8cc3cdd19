import { readDays } from './queries/acts.ts';
import type { SandboxRoom } from './room/room.ts';

export type DayOfActs = { day: string; human: number; bot: number };
const dayMs = 86_400_000;

/** What people and bots did on each UTC day from the one of `from` to the one of `to`, both included (epoch ms). */
export async function actsPerDay(room: SandboxRoom, projectId: string, from: number, to: number): Promise<DayOfActs[]> {
  const known = new Map(
    (await readDays(room.db, projectId, new Date(from), new Date(to))).map((row) => [row.day, row]),
  );
  const days: DayOfActs[] = [];
  for (let at = from - (from % dayMs); at <= to; at += dayMs) {
    const day = new Date(at).toISOString().slice(0, 10);
    days.push(known.get(day) ?? { day, human: 0, bot: 0 });
  }
  return days;
}
