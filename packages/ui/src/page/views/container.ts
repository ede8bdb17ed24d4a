import { html, type Shown } from '../html.ts';
import { linkTo, type Route } from '../route.ts';
import { LogView } from './log-view.ts';
import { TerminalView } from './terminal-view.ts';

const TABS = [
  ['logs', 'Logs'],
  ['terminal', 'Terminal'],
] as const;

/** One container from near: what it prints, and programs run in it. */
export function ContainerView({ namespace, id, tab }: Route): Shown {
  const links = TABS.map(
    ([name, text]) =>
      html`<li key=${name}><a href=${linkTo(namespace, 'containers', id, name)} aria-current=${name === tab ? 'page' : undefined}>${text}</a></li>`,
  );
  return html`<section aria-label=${`Container ${id}`}>
    <p><a href=${linkTo(namespace, 'containers')}>← All containers</a></p>
    <nav aria-label=${`Of ${id}`}><ul class="tabs">${links}</ul></nav>
    ${
      tab === 'logs'
        ? html`<${LogView} key=${`${namespace}/${id}`} namespace=${namespace} id=${id} />`
        : html`<${TerminalView} key=${`${namespace}/${id}`} namespace=${namespace} id=${id} />`
    }
  </section>`;
}
