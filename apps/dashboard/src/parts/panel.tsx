import type { Tone } from '@muster/protocol/tones';
import { type ReactNode, useId } from 'react';

export type PanelProps = {
  title?: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
  /** Nothing between the frame and what is inside: tables, logs. */
  flush?: boolean | undefined;
  /** A coloured edge, for what needs a look. */
  tone?: Tone | undefined;
  className?: string | undefined;
  children: ReactNode;
};

/** A framed part of a page. */
export function Panel({ title, note, actions, flush = false, tone, className = '', children }: PanelProps): ReactNode {
  const id = useId();
  return (
    <section
      className={`panel ${tone === undefined ? '' : `panel-toned tone-${tone}`} ${className}`}
      aria-labelledby={title === undefined ? undefined : id}
    >
      <Head id={id} title={title} note={note} actions={actions} className="panel-head" />
      <div className={flush ? 'panel-flush' : 'panel-body'}>{children}</div>
    </section>
  );
}

export type SectionProps = Pick<PanelProps, 'note' | 'actions' | 'className'> & {
  title: ReactNode;
  children: ReactNode;
};

/** The same without a frame. */
export function Section({ title, note, actions, className = '', children }: SectionProps): ReactNode {
  const id = useId();
  return (
    <section className={`section ${className}`} aria-labelledby={id}>
      <Head id={id} title={title} note={note} actions={actions} className="section-head" />
      {children}
    </section>
  );
}

function Head(props: Pick<PanelProps, 'title' | 'note' | 'actions'> & { id: string; className: string }): ReactNode {
  if (props.title === undefined && props.actions === undefined) return null;
  return (
    <div className={props.className}>
      {props.title === undefined ? null : <h2 id={props.id}>{props.title}</h2>}
      {props.note === undefined ? null : <span className="head-note">{props.note}</span>}
      {props.actions === undefined ? null : <div className="head-actions">{props.actions}</div>}
    </div>
  );
}
