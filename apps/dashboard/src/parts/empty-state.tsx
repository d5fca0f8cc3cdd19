import { type ReactNode, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { Chip } from './chip.tsx';
import { Snippet, type SnippetTab } from './snippet.tsx';

export type EmptyStateProps = {
  /** One sentence: what would be here. */
  title: string;
  detail?: ReactNode;
  /** The next thing to do. */
  action?: ReactNode;
  snippets?: readonly SnippetTab[] | undefined;
};

/** Nothing is here yet: says what would be, and how to make the first. */
export function EmptyState({ title, detail, action, snippets }: EmptyStateProps): ReactNode {
  const [shown, setShown] = useState(false);
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {detail === undefined ? null : <p className="empty-detail">{detail}</p>}
      {action === undefined && snippets === undefined ? null : (
        <div className="flex flex-wrap justify-center gap-2">
          {action}
          {snippets === undefined ? null : (
            <Button variant="quiet" aria-expanded={shown} onClick={() => setShown(!shown)}>
              {shown ? words.empty.hideSnippets : words.empty.showSnippets}
            </Button>
          )}
        </div>
      )}
      {snippets !== undefined && shown ? (
        <div className="empty-snippet">
          <Snippet items={snippets} />
        </div>
      ) : null}
    </div>
  );
}

export type NothingMatchesProps = {
  chips: readonly { name?: string | undefined; value: string; onRemove?: (() => void) | undefined }[];
  onClear: () => void;
  /** What would match if one filter went: `4 builds match without state=failed`. */
  nearest?: ReactNode;
};

/** There are things, and the filters leave none of them. */
export function NothingMatches({ chips, onClear, nearest }: NothingMatchesProps): ReactNode {
  return (
    <div className="empty">
      <p className="empty-title">{words.empty.nothingMatches}</p>
      <span className="chips justify-center">
        {chips.map((chip) => (
          <Chip key={`${chip.name ?? ''}=${chip.value}`} {...chip} />
        ))}
      </span>
      {nearest === undefined ? null : <p className="empty-detail">{nearest}</p>}
      <Button onClick={onClear}>{words.empty.clear}</Button>
    </div>
  );
}

/** What the reader may not see: which scope is missing, and who can give it. */
export function NoRight({ scope, who }: { scope: string; who?: string | undefined }): ReactNode {
  return (
    <div className="empty">
      <p className="empty-title">{words.empty.noRight}</p>
      <p className="empty-detail">
        {words.empty.needs} <code>{scope}</code>. {who ?? words.empty.askAdmin}
      </p>
    </div>
  );
}
