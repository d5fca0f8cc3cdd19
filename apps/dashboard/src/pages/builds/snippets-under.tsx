import { CodeXml } from 'lucide-react';
import type { ReactNode } from 'react';
import { Popover } from '../../parts/popover.tsx';
import { Snippet, type SnippetTab } from '../../parts/snippet.tsx';
import { buildsWords as w } from '../../words/builds.ts';

/** The same from a terminal or a program, out of the way until it is asked for. */
export function SnippetsUnder({ items }: { items: readonly SnippetTab[] }): ReactNode {
  return (
    <Popover label={w.snippets} button={w.snippets} icon={<CodeXml aria-hidden />} size="s" variant="quiet">
      {() => <Snippet items={items} label={w.snippets} />}
    </Popover>
  );
}
