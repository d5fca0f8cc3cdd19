import type { GalleryBot } from '@muster/protocol';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Input } from '../../parts/input.tsx';
import { useNav } from '../../parts/nav.tsx';
import { plain } from '../../parts/plain.ts';
import { Switch } from '../../parts/switch.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { botsWords } from '../../words/gallery-bots.ts';
import { useAct } from './act.ts';
import { usernameProblem } from './bot-draft.ts';

const words = botsWords.bot;

export function CloneDialog({
  bot,
  open,
  onClose,
}: {
  bot: GalleryBot;
  open: boolean;
  onClose: () => void;
}): ReactNode {
  const client = useClient();
  const nav = useNav();
  const [name, setName] = useState('');
  const [username, setUsername] = useState('');
  const [start, setStart] = useState(false);
  const clone = useAct(
    () =>
      client.gallery.bots.clone(bot.id, {
        start,
        ...(name.trim() === '' ? {} : { name: name.trim() }),
        ...(username === '' ? {} : { username }),
      }),
    ({ id }) => {
      onClose();
      nav.navigate(`/gallery/bots/${id}`);
    },
  );
  const wrong = username === '' ? undefined : usernameProblem(username);
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={words.cloneTitle(plain(bot.name, 60))}
      detail={words.cloneDetail}
      footer={
        <>
          <Button onClick={onClose}>{galleryWords.cancel}</Button>
          <Button
            variant="primary"
            busy={clone.isPending}
            disabledReason={wrong}
            onClick={() => clone.mutate(undefined)}
          >
            {words.cloneAction}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Field label={botsWords.columns.name} hint={words.cloneNameHint} optional>
          <Input value={name} onChange={setName} maxLength={100} />
        </Field>
        <Field label={words.facts.username} optional error={wrong}>
          <Input value={username} onChange={setUsername} mono maxLength={30} />
        </Field>
        <Switch checked={start} onChange={setStart} label={words.cloneStart} />
      </div>
    </Dialog>
  );
}
