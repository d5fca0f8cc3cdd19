import type { Persona } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { Button } from '../../parts/button.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Text } from '../../parts/text.tsx';
import { personaWords } from '../../words/gallery-personas.ts';
import { Loaded } from './loaded.tsx';
import { DrawnPicture } from './picture.tsx';

const words = personaWords.preview;

/** Three bots that a persona would give, as it stands on the page. */
export function PersonaPreview({ persona }: { persona: Persona }): ReactNode {
  const client = useClient();
  const [seed, setSeed] = useState(1);
  const query = useQuery({
    queryKey: ['gallery', 'persona-preview', seed, JSON.stringify(persona)],
    queryFn: () => client.gallery.personas.preview({ persona, seed }),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const invalid = query.error instanceof MusterError && query.error.code === 'invalid';
  return (
    <Panel
      title={words.title}
      actions={
        <Button size="s" onClick={() => setSeed(seed + 1)}>
          {words.again}
        </Button>
      }
    >
      <p className="m-0 pb-3 text-sm text-soft">{words.note}</p>
      {invalid ? (
        <p className="m-0">{words.invalid}</p>
      ) : (
        <Loaded query={query}>
          {({ bots }) => (
            <ul className="m-0 flex list-none flex-col gap-4 p-0" data-preview={bots.length}>
              {bots.map(({ name, username, tier, post, svg, comment, reply }) => (
                <li key={username} className="flex flex-col gap-2">
                  <span>
                    <Text value={name} max={60} className="font-medium" />{' '}
                    <span className="text-soft">
                      @{username} · {tier}
                    </span>
                  </span>
                  {svg === null || post === null ? null : (
                    <DrawnPicture svg={svg} alt={post.alt} className="max-h-56 w-full object-contain" />
                  )}
                  {post === null ? <span>{words.nothing}</span> : <Text value={post.caption} max={500} lines />}
                  {[
                    [words.prompt, post?.prompt],
                    [words.comment, comment],
                    [words.reply, reply],
                  ].map(([label, text]) =>
                    text === null || text === undefined ? null : (
                      <span key={label} className="text-sm">
                        <span className="text-soft">{label}: </span>
                        <Text value={text} max={500} />
                      </span>
                    ),
                  )}
                </li>
              ))}
            </ul>
          )}
        </Loaded>
      )}
    </Panel>
  );
}
