import { Play, Plus, RotateCw, Star, Trash2 } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Button, ButtonLink } from '../../parts/button.tsx';
import { useConfirm } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Drawer } from '../../parts/drawer.tsx';
import { Facts } from '../../parts/facts.tsx';
import { IconButton } from '../../parts/icon-button.tsx';
import { KeyHints } from '../../parts/keys.tsx';
import { Menu } from '../../parts/menu.tsx';
import { Palette } from '../../parts/palette.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Popover } from '../../parts/popover.tsx';
import { SecretOnce } from '../../parts/secret-once.tsx';
import { useToast } from '../../parts/toast.tsx';
import { Tooltip } from '../../parts/tooltip.tsx';

export function Actions(): ReactNode {
  const [open, setOpen] = useState<string>();
  const [pressed, setPressed] = useState(true);
  const confirm = useConfirm();
  const toast = useToast();
  const close = (): void => setOpen(undefined);
  const ask = async (): Promise<void> => {
    const yes = await confirm({
      title: 'Cancel 3 builds?',
      detail: 'Two of them are running; their workers stop within 10 s. What they wrote so far is kept.',
      action: 'Cancel 3 builds',
      keep: 'Keep them',
      danger: true,
      list: ['shop 2.4 ios', 'shop 2.3 ios', 'api 1.9 android'],
    });
    toast(
      yes
        ? { title: '3 builds are being cancelled', tone: 'warn', undo: () => undefined }
        : { title: 'Nothing was changed' },
    );
  };
  return (
    <Panel title="Actions and overlays">
      <div className="stack">
        <div className="row flex-wrap">
          <Button variant="primary" icon={<Plus aria-hidden />}>
            New build
          </Button>
          <Button icon={<RotateCw aria-hidden />} keys="r">
            Retry
          </Button>
          <Button variant="danger" icon={<Trash2 aria-hidden />}>
            Delete
          </Button>
          <Button variant="quiet">Quiet</Button>
          <Button busy>Saving</Button>
          <Button disabledReason="A finished build cannot be cancelled">Cancel</Button>
          <Button variant="primary" disabledReason="Needs operate on builds">
            Start
          </Button>
          <ButtonLink to="/builds" icon={<Play aria-hidden />}>
            A link
          </ButtonLink>
        </div>
        <div className="row flex-wrap">
          <Button size="s">Small</Button>
          <Button size="s" variant="primary">
            Small primary
          </Button>
          <Button size="s" variant="quiet">
            Small quiet
          </Button>
          <IconButton label="Start" icon={<Play aria-hidden />} />
          <IconButton label="Star" icon={<Star aria-hidden />} pressed={pressed} onClick={() => setPressed(!pressed)} />
          <IconButton label="Retry" icon={<RotateCw aria-hidden />} size="s" />
          <IconButton label="Delete" icon={<Trash2 aria-hidden />} disabledReason="It is still running" />
          <Tooltip text="What it means">
            <Button variant="quiet">Hover me</Button>
          </Tooltip>
        </div>
        <div className="row flex-wrap">
          <Menu
            label="More actions"
            items={[
              { key: 'h', heading: 'This build' },
              {
                key: 'retry',
                label: 'Retry',
                icon: <RotateCw aria-hidden />,
                keys: 'r',
                onSelect: () => toast({ title: 'Retried', tone: 'done', undo: () => undefined }),
              },
              { key: 'cancel', label: 'Cancel', disabledReason: 'A finished build cannot be cancelled' },
              { key: 'rule', rule: true },
              { key: 'delete', label: 'Delete its files', icon: <Trash2 aria-hidden />, danger: true },
            ]}
          >
            Menu
          </Menu>
          <Popover label="More" button="Popover">
            {() => <p className="w-56">Anything that is small and stands beside its button.</p>}
          </Popover>
          {['dialog', 'drawer', 'secret', 'palette', 'keys'].map((name) => (
            <Button key={name} onClick={() => setOpen(name)}>
              Open {name}
            </Button>
          ))}
          <Button variant="danger" onClick={() => void ask()}>
            Confirm…
          </Button>
          <Button
            onClick={() =>
              toast({
                title: 'The build was not started',
                detail: 'no worker has xcode=16',
                tone: 'failed',
                undo: () => undefined,
              })
            }
          >
            Toast
          </Button>
        </div>
      </div>
      <Dialog
        open={open === 'dialog'}
        onClose={close}
        title="Set the priority of 3 builds"
        detail="Higher ones are taken first. Between equals, the oldest."
        footer={
          <>
            <Button onClick={close}>Keep as it is</Button>
            <Button variant="primary" onClick={close}>
              Set priority
            </Button>
          </>
        }
      >
        <p>Anything stands here.</p>
      </Dialog>
      <Drawer open={open === 'drawer'} onClose={close} title="mac-07" footer={<Button onClick={close}>Close</Button>}>
        <Facts
          columns={1}
          items={[
            { label: 'State', value: 'busy' },
            { label: 'Version', value: '1.4.0' },
            { label: 'Last seen', value: '4 s ago' },
          ]}
        />
      </Drawer>
      <SecretOnce
        open={open === 'secret'}
        title="API key “ci” was made"
        name="API key"
        secret="mst_01k9z7qx_4XJ2mWqP8sT6vB1nR5yC3dF7hK9gL0aZ"
        onDone={close}
      />
      <KeyHints open={open === 'keys'} onClose={close} />
      {open === 'palette' ? (
        <Palette
          open
          onClose={close}
          groups={[
            {
              title: 'Builds',
              items: [
                { id: 'b1', label: 'shop 2.4 ios', hint: 'bld_01k9z7qx', run: close },
                { id: 'b2', label: 'api 1.9 android', hint: 'bld_01k9z7qw', run: close },
              ],
            },
            {
              title: 'Go to',
              items: [
                { id: 'p1', label: 'Overview', keys: 'g o', run: close },
                { id: 'p2', label: 'Builds', keys: 'g b', run: close },
                {
                  id: 'p3',
                  label: 'Stop all gallery activity',
                  disabledReason: 'needs operate on gallery',
                  run: close,
                },
              ],
            },
          ]}
        />
      ) : null}
    </Panel>
  );
}
