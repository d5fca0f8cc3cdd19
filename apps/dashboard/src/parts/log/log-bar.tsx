import {
  ArrowDownToLine,
  ChevronDown,
  ChevronUp,
  Download,
  ListFilter,
  Regex,
  Search,
  SkipForward,
  WrapText,
} from 'lucide-react';
import { type ReactNode, type Ref, useState } from 'react';
import { partsWords as words } from '../../words/parts.ts';
import { Button } from '../button.tsx';
import { count } from '../format.ts';
import { IconButton } from '../icon-button.tsx';
import { NumberInput } from '../input.tsx';
import { Menu, type MenuItem } from '../menu.tsx';
import { Popover } from '../popover.tsx';
import type { LogTimes } from './log-row.tsx';
import type { LogLevel } from './source.ts';
import type { Find } from './use-log-find.ts';

/** What the reader chose to see; belongs into the URL. */
export type LogView = {
  find?: string | undefined;
  regex?: boolean | undefined;
  wrap?: boolean | undefined;
  times?: LogTimes | undefined;
  levels?: readonly LogLevel[] | undefined;
  sources?: readonly string[] | undefined;
};

export type LogBarProps = {
  view: LogView;
  onView: (patch: LogView) => void;
  total: number;
  find: Find;
  canFind: boolean;
  findField: Ref<HTMLInputElement>;
  onNextError: (() => void) | undefined;
  follow: boolean;
  onFollow: (() => void) | undefined;
  onGoTo: (n: number) => void;
  narrow: { sources: readonly string[] } | undefined;
  downloads: readonly { label: string; href: string }[];
  selection: ReactNode;
};

const levels: readonly LogLevel[] = ['info', 'warn', 'error'];
const times: readonly LogTimes[] = ['off', 'relative', 'local', 'utc'];

export function LogBar(props: LogBarProps): ReactNode {
  const {
    view,
    onView,
    total,
    find,
    canFind,
    findField,
    onNextError,
    follow,
    onFollow,
    onGoTo,
    narrow,
    downloads,
    selection,
  } = props;
  const chosen = (view.levels?.length ?? 0) + (view.sources?.length ?? 0);
  return (
    <div className="log-bar">
      <span className="log-total num">{words.log.lines(count(total), total)}</span>
      {canFind ? (
        <span className="log-find">
          <span className="control control-s">
            <Search aria-hidden />
            <input
              ref={findField}
              type="text"
              className={view.regex ? 'mono' : undefined}
              aria-label={words.log.find}
              placeholder={words.log.find}
              autoComplete="off"
              spellCheck={false}
              value={view.find ?? ''}
              onChange={(event) => onView({ find: event.target.value === '' ? undefined : event.target.value })}
              onKeyDown={(event) => {
                if (event.key !== 'Enter') return;
                event.preventDefault();
                find.step(event.shiftKey ? -1 : 1);
              }}
            />
            <IconButton
              size="s"
              label={words.log.regex}
              icon={<Regex aria-hidden />}
              pressed={view.regex ?? false}
              onClick={() => onView({ regex: view.regex ? undefined : true })}
            />
          </span>
          <span role="status" className={`text-sm ${find.error === undefined ? 'text-soft' : 'text-tone-failed'}`}>
            {(view.find ?? '') === ''
              ? ''
              : (find.error ??
                (find.busy
                  ? words.log.looking
                  : find.total === 0
                    ? words.log.none
                    : words.log.hit(count(find.at + 1), count(find.total))))}
          </span>
          {find.total > 0 ? (
            <span className="flex">
              <IconButton
                size="s"
                label={words.log.previousHit}
                icon={<ChevronUp aria-hidden />}
                onClick={() => find.step(-1)}
              />
              <IconButton
                size="s"
                label={words.log.nextHit}
                icon={<ChevronDown aria-hidden />}
                onClick={() => find.step(1)}
              />
            </span>
          ) : null}
        </span>
      ) : null}
      {selection}
      <span className="log-tools">
        {onNextError ? (
          <Button size="s" variant="quiet" icon={<SkipForward aria-hidden />} keys="e" onClick={onNextError}>
            {words.log.nextError}
          </Button>
        ) : null}
        <Popover label={words.log.goTo} size="s" button={words.log.goTo} variant="quiet" align="end">
          {(close) => (
            <GoTo
              total={total}
              onGoTo={(n) => {
                onGoTo(n);
                close();
              }}
            />
          )}
        </Popover>
        <IconButton
          size="s"
          label={words.log.wrap}
          icon={<WrapText aria-hidden />}
          pressed={view.wrap ?? false}
          onClick={() => onView({ wrap: view.wrap ? undefined : true })}
        />
        <Menu
          label={words.log.times}
          size="s"
          variant="quiet"
          iconEnd={<ChevronDown aria-hidden />}
          items={times.map((key) => ({
            key,
            label: words.log.time[key],
            checked: (view.times ?? 'off') === key,
            onSelect: () => onView({ times: key === 'off' ? undefined : key }),
          }))}
        >
          {words.log.timeShort[view.times ?? 'off']}
        </Menu>
        {narrow ? (
          <Menu
            label={words.log.narrow}
            size="s"
            variant="quiet"
            icon={<ListFilter aria-hidden />}
            iconEnd={chosen > 0 ? <span className="tab-count">{chosen}</span> : undefined}
            items={narrowItems(view, onView, narrow.sources)}
          >
            {words.log.levels}
          </Menu>
        ) : null}
        {downloads.length > 0 ? (
          <Menu
            label={words.log.download}
            size="s"
            icon={<Download aria-hidden />}
            items={downloads.map(({ label, href }) => ({ key: label, label, href }))}
          />
        ) : null}
        {onFollow ? (
          <Button
            size="s"
            variant="secondary"
            icon={<ArrowDownToLine aria-hidden />}
            aria-pressed={follow}
            onClick={onFollow}
          >
            {words.log.follow}
          </Button>
        ) : null}
      </span>
    </div>
  );
}

function GoTo({ total, onGoTo }: { total: number; onGoTo: (n: number) => void }): ReactNode {
  const [line, setLine] = useState<number | null>(null);
  const wrong = line === null || !Number.isInteger(line) || line < 1 || line > total;
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (!wrong) onGoTo(line - 1);
      }}
    >
      <NumberInput
        value={line}
        onChange={setLine}
        min={1}
        max={total}
        step={1}
        ariaLabel={words.log.lineNumber}
        placeholder={`1–${count(total)}`}
      />
      <Button type="submit" disabledReason={wrong ? words.log.noLine(count(total)) : undefined}>
        {words.log.go}
      </Button>
    </form>
  );
}

function narrowItems(view: LogView, onView: LogBarProps['onView'], sources: readonly string[]): MenuItem[] {
  const toggled = <T extends string>(all: readonly T[], each: T): readonly T[] | undefined => {
    const next = all.includes(each) ? all.filter((other) => other !== each) : [...all, each];
    return next.length === 0 ? undefined : next;
  };
  const [ownLevels, ownSources] = [view.levels ?? [], view.sources ?? []];
  return [
    { key: 'levels', heading: words.log.levels },
    ...levels.map((level) => ({
      key: `level ${level}`,
      label: level,
      checked: ownLevels.includes(level),
      onSelect: () => onView({ levels: toggled(ownLevels, level) }),
    })),
    ...(sources.length > 0 ? [{ key: 'sources', heading: words.log.sources }] : []),
    ...sources.map((source) => ({
      key: `source ${source}`,
      label: source,
      checked: ownSources.includes(source),
      onSelect: () => onView({ sources: toggled(ownSources, source) }),
    })),
  ];
}
