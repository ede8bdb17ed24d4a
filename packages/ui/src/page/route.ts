import { useEffect, useState } from 'preact/hooks';

export const VIEWS = ['containers', 'images', 'snapshots', 'leases', 'operations', 'events'] as const;
export type View = (typeof VIEWS)[number];

/** Where the page is: `#/<namespace>/<view>`, and of a container `/<id>/<tab>`. */
export interface Route {
  readonly namespace: string;
  readonly view: View;
  readonly id: string;
  readonly tab: 'logs' | 'terminal';
}

export function parseRoute(hash: string, namespace: string): Route {
  const [, ns = '', view = '', id = '', tab = ''] = hash.split('/').map(decoded);
  return {
    namespace: ns || namespace,
    view: VIEWS.find((known) => known === view) ?? 'containers',
    id,
    tab: tab === 'terminal' ? 'terminal' : 'logs',
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

export function linkTo(namespace: string, view: View, ...more: string[]): string {
  return `#/${[namespace, view, ...more].map(encodeURIComponent).join('/')}`;
}

export function useRoute(namespace: string): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return parseRoute(hash, namespace);
}
