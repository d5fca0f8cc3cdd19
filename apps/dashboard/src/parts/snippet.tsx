import { type ReactNode, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { CopyButton } from './copy-button.tsx';
import { visible } from './plain.ts';
import { TabPanel, Tabs } from './tabs.tsx';

export type SnippetTab = { key: string; label: string; text: string };

/** The usual three ways to do a thing without the console. */
export const snippetTabs = (texts: { curl?: string; cli?: string; sdk?: string }): SnippetTab[] =>
  (['curl', 'cli', 'sdk'] as const).flatMap((key) => {
    const text = texts[key];
    return text === undefined ? [] : [{ key, label: words.snippet[key], text }];
  });

export type SnippetProps = {
  items: readonly SnippetTab[];
  /** What it does. */
  label?: string | undefined;
};

/** Code to copy, in several languages. */
export function Snippet({ items, label = words.snippet.label }: SnippetProps): ReactNode {
  const [chosen, setChosen] = useState(items[0]?.key ?? '');
  const current = items.find((item) => item.key === chosen) ?? items[0];
  if (!current) return null;
  const body = (
    <pre className="snippet-text" tabIndex={0} aria-label={`${label}: ${current.label}`}>
      <code>{visible(current.text, true)}</code>
    </pre>
  );
  return (
    <div className="snippet">
      <div className="snippet-head">
        {items.length > 1 ? (
          <Tabs label={label} items={items} value={current.key} onChange={setChosen} />
        ) : (
          <span className="text-sm text-soft">{current.label}</span>
        )}
        <CopyButton text={current.text} label={words.snippet.copy} />
      </div>
      {items.length > 1 ? (
        <TabPanel label={label} tab={current.key} value={current.key}>
          {body}
        </TabPanel>
      ) : (
        body
      )}
    </div>
  );
}
