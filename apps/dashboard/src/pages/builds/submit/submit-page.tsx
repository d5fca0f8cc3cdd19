import type { BuildSpecInput, Platform } from '@muster/protocol';
import { buildLimits, platforms } from '@muster/protocol/builds';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useRef, useState } from 'react';
import { useClient } from '../../../api/client.ts';
import { useMay } from '../../../api/me.ts';
import { problemOf } from '../../../api/problem.ts';
import { Button } from '../../../parts/button.tsx';
import { Checkbox } from '../../../parts/checkbox.tsx';
import { Combobox } from '../../../parts/combobox.tsx';
import { Field } from '../../../parts/field.tsx';
import { FileDrop } from '../../../parts/file-drop.tsx';
import { bytes } from '../../../parts/format.ts';
import { Input, NumberInput, TextArea } from '../../../parts/input.tsx';
import { useNav } from '../../../parts/nav.tsx';
import { BackLink, Page, PageHead } from '../../../parts/page.tsx';
import { Panel } from '../../../parts/panel.tsx';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { Select } from '../../../parts/select.tsx';
import { Snippet } from '../../../parts/snippet.tsx';
import { TagInput } from '../../../parts/tag-input.tsx';
import { useClock } from '../../../parts/time.tsx';
import { useToast } from '../../../parts/toast.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { tagsOf, wrongPair } from '../pairs.ts';
import { queuesQuery } from '../queries.ts';
import { submitSnippets } from '../snippets.ts';
import { type Sent, UploadProgress } from './upload-progress.tsx';

/** A build from the browser: a file, what it needs, go. */
export function SubmitPage(): ReactNode {
  const client = useClient();
  const nav = useNav();
  const toast = useToast();
  const operate = useMay('builds:operate');
  const queues = useQuery(queuesQuery(client));
  const [source, setSource] = useState<File | null>(null);
  const [certs, setCerts] = useState<File | null>(null);
  const [name, setName] = useState('');
  const [platform, setPlatform] = useState<Platform>('any');
  const [queue, setQueue] = useState('default');
  const [requires, setRequires] = useState<string[]>([]);
  const [tags, setTags] = useState<string[]>([]);
  const [priority, setPriority] = useState<number | null>(0);
  const [command, setCommand] = useState('');
  const [task, setTask] = useState('');
  const [expectsArtifact, setExpectsArtifact] = useState(true);
  const [sent, setSent] = useState<Sent>();
  const [stopped, setStopped] = useState(false);
  const cut = useRef<AbortController>(undefined);
  const clock = useClock();
  /** A build that was sent and not answered is not made twice by pressing again. */
  const once = useRef(crypto.randomUUID());

  const submit = useMutation({
    mutationFn: async (file: File) => {
      cut.current = new AbortController();
      const since = clock.now();
      setStopped(false);
      setSent({ bytes: 0, of: file.size, since });
      const spec: BuildSpecInput = {
        platform,
        queue,
        requires: tagsOf(requires),
        tags: tagsOf(tags),
        priority: priority ?? 0,
        expects: expectsArtifact ? 'artifact' : 'nothing',
        ...(name.trim() === '' ? {} : { name: name.trim() }),
        ...(command.trim() === '' ? {} : { command }),
        ...(task.trim() === '' ? {} : { task: task.trim() }),
      };
      return client.builds.submit(
        spec,
        { source: file, ...(certs ? { certs } : {}) },
        {
          signal: cut.current.signal,
          idempotencyKey: once.current,
          onProgress: (offset, of) => setSent({ since, bytes: offset, of }),
        },
      );
    },
    onSuccess: ({ id, name: given }) => {
      toast({ title: w.submit.done(given ?? id), tone: 'done' });
      nav.navigate(`/builds/${id}`);
    },
    onError: () => {
      once.current = crypto.randomUUID();
    },
    onSettled: () => setSent(undefined),
  });
  const problem = stopped ? undefined : problemOf(submit.error);
  const sourceError =
    source && source.size > buildLimits.sourceBytesMax
      ? w.submit.tooLarge(bytes(buildLimits.sourceBytesMax))
      : source?.size === 0
        ? w.submit.emptyFile
        : undefined;
  const missing = source === null ? w.submit.needsSource : sourceError;

  return (
    <Page>
      <PageHead lead={<BackLink to="/builds">{w.title}</BackLink>} title={w.submit.title} note={w.submit.note} />
      <form
        className="stack max-w-[52rem]"
        onSubmit={(event) => {
          event.preventDefault();
          if (source && missing === undefined && operate.may && !submit.isPending) submit.mutate(source);
        }}
      >
        <Panel title={w.submit.source}>
          <div className="stack">
            <Field label={w.submit.archive} error={sourceError} group>
              <FileDrop
                label={w.submit.drop}
                hint={w.submit.dropHint(bytes(buildLimits.sourceBytesMax))}
                accept=".zip,.tar.gz,.tgz,.tar.zst"
                file={source}
                onFile={(file) => {
                  setSource(file);
                  if (name === '')
                    setName(file.name.replace(/\.(zip|tgz|tar\.gz|tar\.zst)$/, '').slice(0, buildLimits.nameCharsMax));
                }}
              />
            </Field>
            <Field label={w.submit.name} optional hint={w.submit.nameHint}>
              <Input value={name} onChange={setName} maxLength={buildLimits.nameCharsMax} />
            </Field>
          </div>
        </Panel>
        <Panel title={w.submit.needs}>
          <div className="stack">
            <Field label={w.submit.platform} hint={w.submit.platformHint}>
              <Select
                value={platform}
                onChange={(value) => setPlatform(platforms.find((each) => each === value) ?? 'any')}
                options={platforms.map((value) => ({ value, label: value }))}
              />
            </Field>
            <Field label={w.submit.labels} optional hint={w.submit.labelsHint}>
              <TagInput
                value={requires}
                onChange={setRequires}
                check={wrongPair}
                max={buildLimits.requiresMax}
                placeholder={w.submit.labelsExample}
              />
            </Field>
            <Field label={w.submit.command} optional hint={w.submit.commandHint}>
              <TextArea value={command} onChange={setCommand} rows={2} mono />
            </Field>
            <Field label={w.submit.task} optional hint={w.submit.taskHint}>
              <Input value={task} onChange={setTask} maxLength={64} mono />
            </Field>
            <Checkbox checked={expectsArtifact} onChange={setExpectsArtifact} label={w.submit.expects} />
          </div>
        </Panel>
        <details>
          <summary>{w.submit.more}</summary>
          <Panel title={w.submit.more}>
            <div className="stack">
              <Field label={w.submit.queue} hint={w.submit.queueHint}>
                <Combobox
                  value={queue}
                  onChange={(value) => setQueue(value === '' ? 'default' : value)}
                  options={(queues.data?.items ?? []).map(({ name: value }) => ({ value, label: value }))}
                  free
                />
              </Field>
              <Field label={w.priority} hint={w.priorityHint}>
                <NumberInput
                  value={priority}
                  onChange={setPriority}
                  min={buildLimits.priorityMin}
                  max={buildLimits.priorityMax}
                />
              </Field>
              <Field label={w.tags} optional hint={w.tagsHint}>
                <TagInput value={tags} onChange={setTags} check={wrongPair} max={buildLimits.tagsMax} />
              </Field>
              <Field label={w.submit.certs} optional hint={w.submit.certsHint} group>
                <FileDrop label={w.submit.certsDrop} accept=".zip" file={certs} onFile={setCerts} />
              </Field>
            </div>
          </Panel>
        </details>
        {problem ? <ProblemPanel problem={problem} /> : null}
        {submit.isPending && sent ? (
          <UploadProgress
            sent={sent}
            onStop={() => {
              setStopped(true);
              cut.current?.abort();
            }}
          />
        ) : null}
        <div className="row">
          <Button variant="primary" type="submit" busy={submit.isPending} disabledReason={operate.reason ?? missing}>
            {w.submit.go}
          </Button>
        </div>
      </form>
      <Panel title={w.submit.elsewhere} note={w.submit.elsewhereNote} className="max-w-[52rem]">
        <Snippet items={submitSnippets(platform)} label={w.submit.elsewhere} />
      </Panel>
    </Page>
  );
}
