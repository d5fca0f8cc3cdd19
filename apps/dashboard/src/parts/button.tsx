import { LoaderCircle } from 'lucide-react';
import {
  type AnchorHTMLAttributes,
  type ButtonHTMLAttributes,
  type MouseEvent,
  type ReactNode,
  type Ref,
  useId,
} from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Kbd } from './kbd.tsx';
import { Link } from './nav.tsx';
import { tip } from './tips.ts';

export type ButtonVariant = 'secondary' | 'primary' | 'quiet' | 'danger';
export type ButtonSize = 'm' | 's';

export type ButtonProps = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'disabled'> & {
  variant?: ButtonVariant | undefined;
  size?: ButtonSize | undefined;
  icon?: ReactNode;
  iconEnd?: ReactNode;
  /** Its call is under way: another press does nothing. */
  busy?: boolean | undefined;
  /** Why it may not be pressed (D2). It stays reachable, so that everybody can read the reason. */
  disabledReason?: string | undefined;
  /** Its key, shown as a hint; `useKeys` binds it. */
  keys?: string | undefined;
  ref?: Ref<HTMLButtonElement> | undefined;
};

export const buttonClass = (variant: ButtonVariant = 'secondary', size: ButtonSize = 'm', more = ''): string =>
  `btn btn-${variant} btn-${size} ${more}`.trim();

export function Button(props: ButtonProps): ReactNode {
  const {
    variant,
    size,
    icon,
    iconEnd,
    busy = false,
    disabledReason,
    keys,
    className,
    children,
    onClick,
    ...rest
  } = props;
  const reasonId = useId();
  const off = disabledReason !== undefined || busy;
  const press = (event: MouseEvent<HTMLButtonElement>): void => {
    if (off) event.preventDefault();
    else onClick?.(event);
  };
  return (
    <button
      type="button"
      {...rest}
      className={buttonClass(variant, size, className)}
      onClick={press}
      aria-disabled={off || undefined}
      aria-busy={busy || undefined}
      aria-describedby={disabledReason === undefined ? rest['aria-describedby'] : reasonId}
      aria-keyshortcuts={keys?.replaceAll('mod', 'Control')}
      {...(disabledReason === undefined ? {} : tip(disabledReason, 'name'))}
    >
      {busy ? <LoaderCircle aria-hidden className="spin" /> : icon}
      {children}
      {busy ? <span className="visually-hidden">{words.button.busy}</span> : null}
      {keys === undefined ? null : <Kbd keys={keys} />}
      {iconEnd}
      {disabledReason === undefined ? null : (
        <span id={reasonId} className="visually-hidden">
          {disabledReason}
        </span>
      )}
    </button>
  );
}

type Target = { to: string; href?: undefined } | { href: string; to?: undefined };
export type ButtonLinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> &
  Target & {
    variant?: ButtonVariant | undefined;
    size?: ButtonSize | undefined;
    icon?: ReactNode;
    iconEnd?: ReactNode;
  };

/** A link that looks like a button: `to` inside the console, `href` anywhere else. */
export function ButtonLink(props: ButtonLinkProps): ReactNode {
  const { variant, size, icon, iconEnd, className, children, to, href, ...rest } = props;
  const looks = buttonClass(variant, size, className);
  const inside = (
    <>
      {icon}
      {children}
      {iconEnd}
    </>
  );
  return to === undefined ? (
    <a {...rest} href={href} className={looks}>
      {inside}
    </a>
  ) : (
    <Link {...rest} to={to} className={looks}>
      {inside}
    </Link>
  );
}
