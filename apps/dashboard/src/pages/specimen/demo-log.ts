import type { LogLine, LogQuery, LogSnapshot, LogSource } from '../../parts/log/source.ts';
import { hostile } from './hostile.ts';

const e = '\u001b';
const samples: readonly string[] = [
  'CompileSwift normal arm64 /src/Shop/Cart.swift (in target Shop from project Shop)',
  `${e}[32m✓${e}[0m Cart totals are right ${e}[2m(12 ms)${e}[0m`,
  `${e}[1m${e}[34m==>${e}[0m ${e}[1mFetching pods${e}[0m from https://cdn.example.com/specs?v=2.`,
  `Downloading 12 %\rDownloading 58 %\rDownloading 100 %, done`,
  `${e}[33mwarning:${e}[0m 'foo' is deprecated: see ${e}]8;;https://docs.example.com/foo${e}\\the guide${e}]8;;${e}\\`,
  `${e}[38;5;208morange${e}[0m ${e}[38;2;255;255;0mpure yellow${e}[0m ${e}[48;5;52;97m on dark red ${e}[0m ${e}[7minverse${e}[0m ${e}[3;4mitalic underlined${e}[0m`,
  hostile.bidi,
  hostile.script,
  `    at com.shop.Cart.total(Cart.java:118)`,
  `0%|██████████            | 41/96 [00:12<00:16, 3.31it/s]`,
];

const total = 1_000_000;
const start = Date.UTC(2026, 10, 20, 12, 0, 0);

function lineAt(n: number): LogLine {
  const isError = n % 9_987 === 9_986;
  const title = n % 400 === 12;
  return {
    n,
    at: new Date(start + n * 7).toISOString(),
    level: isError ? 'error' : n % 10 === 4 ? 'warn' : 'info',
    source: n % 97 === 0 ? 'system' : 'stdout',
    text: isError
      ? `${e}[31;1merror:${e}[0m signing certificate "iPhone Distribution" expired`
      : title
        ? `--- pod install ${n}`
        : n === 3
          ? hostile.long
          : (samples[n % samples.length] ?? ''),
    ...(n === 3 ? { cutBytes: 4_000_000 } : {}),
  };
}

/** A made-up log of a million lines that goes on growing. */
export function demoLog(): LogSource {
  let snapshot: LogSnapshot = {
    version: 0,
    total,
    ended: false,
    follows: true,
    gaps: [{ from: 40, to: 352, reason: 'trimmed by retention', since: '12:06' }],
  };
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    snapshot: () => snapshot,
    subscribe: (listener) => {
      listeners.add(listener);
      timer ??= setInterval(() => {
        snapshot = { ...snapshot, version: snapshot.version + 1, total: snapshot.total + 3 };
        for (const each of listeners) each();
      }, 1_000);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    read: (from, count) =>
      Promise.resolve(
        Array.from({ length: count }, (_, i) => from + i)
          .filter((n) => n < snapshot.total && (n < 40 || n >= 352))
          .map(lineAt),
      ),
    find: ({ text, from }: LogQuery) => {
      const hits: { n: number }[] = [];
      for (let n = from; n < Math.min(snapshot.total, from + 100_000) && hits.length < 500; n += 1)
        if (lineAt(n).text.toLowerCase().includes(text.toLowerCase())) hits.push({ n });
      return Promise.resolve({ total: hits.length * 10, hits, more: true });
    },
    nextError: (from, step) =>
      Promise.resolve(
        step === 1 ? Math.ceil((from + 2) / 9_987) * 9_987 - 1 : Math.max(9_986, Math.floor(from / 9_987) * 9_987 - 1),
      ),
    sources: ['stdout', 'system'],
    narrow: () => demoLog(),
    whole: (n) => Promise.resolve(lineAt(n).text),
  };
}
