import { activityTypes } from '@muster/protocol/gallery';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { NothingMatches } from '../../parts/empty-state.tsx';
import { FilterBar, type FilterKey } from '../../parts/filter-bar.tsx';
import { many, oneOf, searchOf, text } from '../../parts/search.ts';
import { useSearch } from '../../parts/use-search.ts';
import { galleryWords } from '../../words/gallery.ts';
import { GalleryArea } from './area.tsx';
import { personasQuery } from './data.ts';
import { FeedList } from './feed-list.tsx';

const words = galleryWords.feed;
const search = searchOf({ type: many(oneOf(activityTypes)), persona: text(), bot: text(), thought: text() });

/** Everything bots do, as it happens. */
export function FeedPage(): ReactNode {
  const client = useClient();
  const { values, invalid, set, drop, clear } = useSearch(search);
  const { data: personas } = useQuery(personasQuery(client));
  const { type, persona, bot, thought } = values;
  const keys: FilterKey[] = [
    {
      key: 'type',
      label: words.filters.type,
      options: activityTypes.map((value) => ({ value, label: galleryWords.types[value] })),
    },
    {
      key: 'persona',
      label: words.filters.persona,
      one: true,
      options: (personas ?? []).map(({ id, title }) => ({ value: id, label: id, hint: title })),
    },
    {
      key: 'bot',
      label: words.filters.bot,
      one: true,
      load: async (q) => {
        const { items } = await client.gallery.bots.list({ limit: 20, ...(q === '' ? {} : { q }) });
        return items.map(({ id, name, username }) => ({ value: id, label: name, hint: `@${username}` }));
      },
    },
  ];
  const chosen = {
    type: [...type],
    persona: persona === undefined ? [] : [persona],
    bot: bot === undefined ? [] : [bot],
  };
  const filtered = Object.values(chosen).some((each) => each.length > 0);
  return (
    <GalleryArea current="feed" title={words.title}>
      <FilterBar
        keys={keys}
        values={chosen}
        invalid={invalid}
        onDrop={drop}
        onClear={clear}
        onChange={(key, next) =>
          set(key === 'type' ? { type: activityTypes.filter((one) => next.includes(one)) } : { [key]: next[0] })
        }
      />
      <div className="overflow-hidden rounded-md border border-hair">
        <FeedList
          filter={{
            ...(type.length === 0 ? {} : { type: type.join(',') }),
            ...(persona === undefined ? {} : { persona }),
            ...(bot === undefined ? {} : { bot }),
          }}
          thought={thought}
          onThought={(next) => set({ thought: next }, { replace: true })}
          {...(filtered
            ? {
                nothing: (
                  <NothingMatches
                    chips={Object.entries(chosen).flatMap(([name, each]) => each.map((value) => ({ name, value })))}
                    onClear={clear}
                  />
                ),
              }
            : {})}
        />
      </div>
    </GalleryArea>
  );
}
