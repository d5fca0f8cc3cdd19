import { ImageOff } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { serverPage } from '../../api/place.ts';
import { galleryWords as words } from '../../words/gallery.ts';

type Look = { alt: string; className?: string };

/** A picture that hangs in the sandbox, by its item. */
export const ItemPicture = ({ itemId, ...look }: Look & { itemId: string }): ReactNode => (
  <Shown sources={[serverPage(`/sandbox/i/${encodeURIComponent(itemId)}/picture`)]} {...look} />
);

/** A picture a bot made, by what it is: drawings first, pixels from models otherwise. */
export const BlobPicture = ({ blob, ...look }: Look & { blob: string }): ReactNode => (
  <Shown sources={['svg', 'png'].map((form) => serverPage(`/sandbox/images/${blob}.${form}`))} {...look} />
);

/** A drawing that lies nowhere yet. Shown as a picture: whatever stands in it, nothing of it runs. */
export const DrawnPicture = ({ svg, ...look }: Look & { svg: string }): ReactNode => (
  <Shown sources={[`data:image/svg+xml,${encodeURIComponent(svg)}`]} {...look} />
);

function Shown({ sources, ...look }: Look & { sources: readonly string[] }): ReactNode {
  return <Tried key={sources[0]} sources={sources} {...look} />;
}

/** The first of them that is a picture. */
function Tried({ sources, alt, className = '' }: Look & { sources: readonly string[] }): ReactNode {
  const [at, setAt] = useState(0);
  const src = sources[at];
  if (src === undefined) return <Missing className={className} />;
  return (
    <img
      src={src}
      alt={words.pictureOf(alt)}
      loading="lazy"
      decoding="async"
      className={`block rounded-sm bg-panel object-cover ${className}`}
      onError={() => setAt(at + 1)}
    />
  );
}

const Missing = ({ className = '' }: Partial<Look>): ReactNode => (
  <span
    role="img"
    aria-label={words.noPicture}
    title={words.noPicture}
    className={`flex items-center justify-center rounded-sm border border-dashed border-hair text-soft ${className}`}
  >
    <ImageOff aria-hidden size={16} />
  </span>
);
