import type { Loaded } from './hooks.ts';
import { type ComponentChildren, html, type Shown } from './html.ts';

interface ListingProps {
  readonly loaded: Pick<Loaded<readonly unknown[]>, 'error' | 'value' | 'isUnknown'>;
  /** In place of a list of nothing. */
  readonly empty: string;
  readonly children: ComponentChildren;
}

/** A list, or why there is none. */
export function Listing({ loaded, empty, children }: ListingProps): Shown {
  const { value, error, isUnknown } = loaded;
  if (isUnknown) return html`<p class="empty">This daemon does not tell; stowaged does.</p>`;
  if (value === undefined)
    return html`<p class="empty">${error === undefined ? 'Loading …' : `Can’t be told: ${error}`}</p>`;
  return html`<div>
    ${error === undefined ? null : html`<p class="empty">Out of date: ${error}</p>`}
    ${value.length === 0 ? html`<p class="empty">${empty}</p>` : html`<ul class="cards">${children}</ul>`}
  </div>`;
}

interface FieldProps {
  readonly name: string;
  /** Whether it may be long, and has a line of its own. */
  readonly isLong?: boolean;
  readonly children: ComponentChildren;
}

/** One thing that is known of something: in a `dl`. */
export function Field({ name, isLong = false, children }: FieldProps): Shown {
  return html`<div class=${isLong ? 'field long' : 'field'}><dt>${name}</dt><dd>${children}</dd></div>`;
}
