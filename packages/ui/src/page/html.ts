import { html as bound } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';

/** What a component gives. */
export type Shown = VNode | null;
export type { ComponentChildren };

/** Markup with values in it, as JSX without a compiler. Values are text, never markup: nothing here is injected. One element. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode {
  const made: unknown = bound(strings, ...values);
  if (Array.isArray(made)) throw new Error('a template has more than one element');
  return made as VNode;
}
