import type { GalleryBot } from '@muster/protocol';
import type { ReactNode } from 'react';
import { serverUrl } from '../../api/place.ts';
import { Section } from '../../parts/panel.tsx';
import { Snippet, snippetTabs } from '../../parts/snippet.tsx';
import { botsWords } from '../../words/gallery-bots.ts';

const words = botsWords.bot.api;
const bearer = '-H "Authorization: Bearer $MUSTER_API_KEY"';

/** The same from a terminal or a program, with the ids of this bot. */
export function BotApi({ bot }: { bot: GalleryBot }): ReactNode {
  const { id } = bot;
  const v1 = `${serverUrl}/v1`;
  const all = [
    [
      words.read,
      {
        curl: `curl ${v1}/gallery/bots/${id} ${bearer}`,
        cli: `muster gallery show ${id}`,
        sdk: `await muster.gallery.bots.get('${id}')`,
      },
    ],
    [
      words.tail,
      {
        curl: `curl -N "${v1}/stream/gallery/bots/${id}?live=sse&offset=now" ${bearer}`,
        cli: `muster gallery feed -f --bot ${id}`,
        sdk: `for await (const { records } of muster.gallery.feed({ bot: '${id}', from: 'now' })) console.log(records);`,
      },
    ],
    [
      words.again,
      {
        curl: `curl -X POST ${v1}/gallery/bots/${id}/clone ${bearer} -H 'Content-Type: application/json' --data '{"start":true}'`,
        sdk: `await muster.gallery.bots.clone('${id}', { start: true })`,
      },
    ],
    [
      words.stop,
      {
        curl: `curl -X POST ${v1}/gallery/bots/${id}/stop ${bearer} -H 'Content-Type: application/json' --data '{}'`,
        cli: `muster gallery stop ${id}`,
        sdk: `await muster.gallery.bots.command('${id}', 'stop')`,
      },
    ],
  ] as const;
  return (
    <>
      {all.map(([title, texts]) => (
        <Section key={title} title={title}>
          <Snippet items={snippetTabs(texts)} label={title} />
        </Section>
      ))}
    </>
  );
}
