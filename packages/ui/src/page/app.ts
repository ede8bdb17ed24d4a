import { useEffect, useRef } from 'preact/hooks';
import { DeedsContext } from './deeds.ts';
import { Dialog } from './dialog.ts';
import { useEvents } from './events-feed.ts';
import type { FeedState } from './follow.ts';
import { useLoaded, useVisible } from './hooks.ts';
import { html, type Shown } from './html.ts';
import { isRunning, useOperations } from './operations-feed.ts';
import { linkTo, type Route, useRoute, VIEWS, type View } from './route.ts';
import { call } from './rpc.ts';
import { useUsage } from './usage-feed.ts';
import { useOwnDeeds } from './use-deeds.ts';
import { ContainerView } from './views/container.ts';
import { Containers } from './views/containers.ts';
import { Events } from './views/events.ts';
import { Images } from './views/images.ts';
import { Leases } from './views/leases.ts';
import { Operations } from './views/operations.ts';
import { Snapshots } from './views/snapshots.ts';

const TITLES: Readonly<Record<View, string>> = {
  containers: 'Containers',
  images: 'Images',
  snapshots: 'Snapshots',
  leases: 'Leases',
  operations: 'Operations',
  events: 'Events',
};

const STATES: Readonly<Record<FeedState, readonly [sign: string, text: string]>> = {
  connecting: ['○', 'connecting'],
  live: ['●', 'live'],
  lost: ['✗', 'the daemon does not answer; trying again'],
  absent: ['○', 'this daemon tells no events'],
};

/** The page. @param namespace - what it shows first. */
export function App({ namespace }: { readonly namespace: string }): Shown {
  const route = useRoute(namespace);
  const isVisible = useVisible();
  const events = useEvents(route.namespace, isVisible);
  const operations = useOperations(route.namespace, isVisible);
  const usage = useUsage(route.namespace, isVisible && route.view === 'containers' && route.id === '');
  const { deeds, asked, said, dismiss } = useOwnDeeds();
  const running = operations.operations.filter(isRunning).length;
  const title = route.id === '' ? TITLES[route.view] : route.id;
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${title} – ${route.namespace} – Stowage`;
    // Who follows a link by keyboard goes on at what it led to.
    if (!isFirst.current) heading.current?.focus();
    isFirst.current = false;
  }, [title, route.namespace]);
  const shared = { namespace: route.namespace, isVisible, feed: events, usage };
  return html`<${DeedsContext.Provider} value=${deeds}>
    <a class="skip" href="#main" onClick=${(event: Event) => {
      event.preventDefault();
      heading.current?.focus();
    }}>Skip to content</a>
    <header>
      <h1>Stowage</h1>
      <${NamespaceChoice} route=${route} count=${events.count.namespaces ?? 0} />
      <${Connection} state=${events.state} />
    </header>
    <nav aria-label="Views"><ul class="tabs">
      ${VIEWS.map(
        (view) =>
          html`<li key=${view}><a href=${linkTo(route.namespace, view)} aria-current=${view === route.view ? 'page' : undefined}>${TITLES[view]}${view === 'operations' && running > 0 ? html`<span class="count"> (${running}<span class="hidden"> running</span>)</span>` : null}</a></li>`,
      )}
    </ul></nav>
    <main id="main">
      <h2 ref=${heading} tabindex="-1">${title}</h2>
      <${Shows} route=${route} shared=${shared} operations=${operations} />
    </main>
    <div class="said" role="status" aria-live="polite">
      ${said.map(
        ({ key, text, isError }) =>
          html`<p key=${key} class=${isError ? 'error' : ''}><span aria-hidden="true">${isError ? '✗' : '✓'}</span> ${isError ? html`<span class="hidden">Failed: </span>` : null}${text} <button type="button" aria-label="Dismiss" onClick=${() => dismiss(key)}>×</button></p>`,
      )}
    </div>
    ${asked && html`<${Dialog} question=${asked.question} onAnswer=${asked.onAnswer} />`}
  <//>`;
}

interface ShowsProps {
  readonly route: Route;
  readonly shared: object;
  readonly operations: object;
}

function Shows({ route, shared, operations }: ShowsProps): Shown {
  const { view, id, namespace } = route;
  if (view === 'containers' && id !== '') return html`<${ContainerView} ...${route} />`;
  switch (view) {
    case 'containers':
      return html`<${Containers} key=${namespace} ...${shared} />`;
    case 'images':
      return html`<${Images} key=${namespace} ...${shared} />`;
    case 'snapshots':
      return html`<${Snapshots} key=${namespace} ...${shared} />`;
    case 'leases':
      return html`<${Leases} key=${namespace} ...${shared} />`;
    case 'operations':
      return html`<${Operations} key=${namespace} namespace=${namespace} feed=${operations} />`;
    case 'events':
      return html`<${Events} ...${shared} />`;
  }
}

function NamespaceChoice({ route, count }: { readonly route: Route; readonly count: number }): Shown {
  const { value = [] } = useLoaded(
    async (signal) => {
      const path = 'containerd.services.namespaces.v1.Namespaces/List';
      const { namespaces = [] } = await call<{ namespaces?: ReadonlyArray<{ name: string }> }>(
        path,
        {},
        { signal },
      );
      return namespaces.map(({ name }) => name);
    },
    [count],
  );
  const names = [...new Set([...value, route.namespace])].sort();
  const go = ({ currentTarget }: { readonly currentTarget: HTMLSelectElement }) => {
    location.hash = linkTo(currentTarget.value, route.view);
  };
  return html`<label class="namespace">Namespace
    <select value=${route.namespace} onChange=${go}>
      ${names.map((name) => html`<option key=${name} value=${name} selected=${name === route.namespace}>${name}</option>`)}
    </select>
  </label>`;
}

function Connection({ state }: { readonly state: FeedState }): Shown {
  const [sign, text] = STATES[state];
  return html`<p class=${`connection ${state}`} role="status"><span aria-hidden="true">${sign}</span> ${text}</p>`;
}
