import type { LogReport } from '#kernel/log';

const rowsMax = 50;

/** A report as a person reads it. */
export function reportLines(report: LogReport): string {
  const { segments, findings, losses, setAside, quarantined, owner } = report;
  const lines = [
    `${report.verdict}: ${report.detail}`,
    '',
    row('folder', report.dir),
    row('log', report.walId ?? 'none'),
    ...(report.otherLogs.length > 0 ? [row('database has', report.otherLogs.join(', '))] : []),
    row('in Postgres up to', report.cursorLsn === null ? 'not this log' : String(report.cursorLsn)),
    ...(report.tipLsn === null
      ? []
      : [row('in files up to', `${report.tipLsn}, ${report.unflushedBytes} bytes of it not in Postgres`)]),
    row('segments', segments.length === 0 ? 'none' : `${segments.length}, ${spanOf(segments)}`),
    ...segments
      .filter(({ state }) => state !== 'flushed')
      .slice(-rowsMax)
      .map(({ no, bytes, state }) => row('', `${no}  ${bytes} bytes  ${state}`)),
    ...(owner ? [row('owner by its rows', `${owner.name}${owner.live ? ', its right has not run out' : ''}`)] : []),
    ...quarantined.slice(0, rowsMax).map((name, i) => row(i === 0 ? 'put aside before' : '', name)),
    ...section(
      'found',
      findings.map(({ detail }) => detail),
    ),
    ...section(
      'lost for certain',
      losses.map(
        ({ projectId, path, from, to }) => `${path} (${projectId}) ${from === to ? from : `${from} to ${to}`}`,
      ),
      report.lossesOmitted,
    ),
    ...(report.orphanedFrames > 0
      ? ['', `${report.orphanedFrames} appends belong to streams whose creation is lost.`]
      : []),
    ...(setAside && setAside.appends > 0
      ? [
          '',
          `The files hold ${setAside.appends} appends of ${setAside.streams} streams, the newest of ${setAside.newestAt}; they would be put aside.`,
        ]
      : []),
    '',
    next[report.needs],
    '',
  ];
  return lines.join('\n');
}

const row = (name: string, value: string): string => `  ${name.padEnd(18)} ${value}`;

const spanOf = (segments: LogReport['segments']): string => {
  const [first, last] = [segments[0], segments.at(-1)];
  return first === last ? `number ${first?.no}` : `numbers ${first?.no} to ${last?.no}`;
};

function section(title: string, items: readonly string[], omitted = 0): string[] {
  if (items.length === 0) return [];
  const more = items.length - rowsMax + omitted;
  return [
    '',
    `  ${title}`,
    ...items.slice(0, rowsMax).map((item) => `    ${item}`),
    ...(more > 0 ? [`    … and ${more} more (--json shows them)`] : []),
  ];
}

const next: Record<LogReport['needs'], string> = {
  nothing: 'The server starts as it is.',
  help: 'Accepting does not help here; see docs/operate/repair.md.',
  loss: 'Put back the disk as it was; or `muster log accept-loss`: what verifies is kept, the rest becomes a gap.',
  restored:
    'Bring folder and database of the same time together; or `muster log accept-loss`: the database is taken as it is, the files are put aside.',
};
