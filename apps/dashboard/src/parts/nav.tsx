import {
  type AnchorHTMLAttributes,
  createContext,
  type MouseEvent,
  type ReactNode,
  type Ref,
  use,
  useMemo,
} from 'react';

/** How parts reach other pages without knowing the router. `to` is a path below the base path: `/builds/bld_x?tab=log`. */
export type Nav = {
  hrefOf: (to: string) => string;
  navigate: (to: string, options?: { replace?: boolean }) => void;
  /** Told when a link is likely to be followed. */
  preload?: (to: string) => void;
};
/** Where the reader is, below the base path; `search` with its `?`, or empty. */
export type Place = { pathname: string; search: string };

const NavContext = createContext<Nav>({
  hrefOf: (to) => to,
  navigate: (to) => globalThis.location.assign(to),
});
const PlaceContext = createContext<Place>({ pathname: '/', search: '' });

export function NavProvider(props: { value: Nav; location: Place; children: ReactNode }): ReactNode {
  const { pathname, search } = props.location;
  const place = useMemo(() => ({ pathname, search }), [pathname, search]);
  return (
    <NavContext value={props.value}>
      <PlaceContext value={place}>{props.children}</PlaceContext>
    </NavContext>
  );
}

export const useNav = (): Nav => use(NavContext);
export const usePlace = (): Place => use(PlaceContext);

export type LinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & {
  to: string;
  replace?: boolean;
  ref?: Ref<HTMLAnchorElement>;
};

/** A real link: opens in place on a plain click, and in the browser's own ways on every other. */
export function Link({ to, replace, onClick, onPointerEnter, ...rest }: LinkProps): ReactNode {
  const nav = useNav();
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    if (event.defaultPrevented || !isPlainClick(event) || (rest.target !== undefined && rest.target !== '_self'))
      return;
    event.preventDefault();
    nav.navigate(to, replace === undefined ? undefined : { replace });
  };
  return (
    <a
      {...rest}
      href={nav.hrefOf(to)}
      onClick={follow}
      onPointerEnter={(event) => {
        onPointerEnter?.(event);
        nav.preload?.(to);
      }}
    />
  );
}

export const isPlainClick = (event: MouseEvent): boolean =>
  event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
