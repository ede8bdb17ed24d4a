import type { Scope } from './authorizer.ts';

/**
 * What a token is to be good for: what the request wants, and what the registry says it takes. A registry may say too
 * little (ghcr.io asks for `pull` where something is pushed) or name what only it knows.
 *
 * @returns as in the protocol, `repository:library/busybox:pull`, in a steady order.
 */
export function scopesOf(wanted: readonly Scope[], challenged: string | undefined): string[] {
  const merged = new Map<string, Set<string>>();
  const add = (resource: string, actions: readonly string[]) => {
    const known = merged.get(resource) ?? new Set();
    for (const action of actions) known.add(action);
    merged.set(resource, known);
  };
  for (const { repository, actions } of wanted) add(`repository:${repository}`, actions);
  for (const scope of (challenged ?? '').split(' ')) {
    const colon = scope.lastIndexOf(':');
    if (colon > 0) add(scope.slice(0, colon), scope.slice(colon + 1).split(','));
  }
  return [...merged].map(([resource, actions]) => `${resource}:${[...actions].sort().join(',')}`);
}
