import type { ReactNode } from 'react';
import { Button, type ButtonProps } from './button.tsx';
import { tip } from './tips.ts';

export type IconButtonProps = Omit<ButtonProps, 'children' | 'icon' | 'iconEnd' | 'aria-label' | 'aria-pressed'> & {
  /** Its name, for voices and as tooltip. */
  label: string;
  icon: ReactNode;
  /** For a button that stays in. */
  pressed?: boolean | undefined;
};

export function IconButton({
  label,
  icon,
  pressed,
  variant = 'quiet',
  className = '',
  ...rest
}: IconButtonProps): ReactNode {
  return (
    <Button
      {...tip(label, 'name')}
      {...rest}
      variant={variant}
      icon={icon}
      className={`btn-icon ${className}`}
      aria-label={label}
      aria-pressed={pressed}
      keys={undefined}
      aria-keyshortcuts={rest.keys}
    />
  );
}
