import type { Scope } from '@stowage/core';

const NAMESPACE = 'containerd-namespace';
const NAMESPACE_TTRPC = 'containerd-namespace-ttrpc';
const LEASE = 'containerd-lease';

/** The scope that a caller put into its headers. The namespace is empty where it named none. */
export function scopeOf(context: { readonly requestHeader: Headers }): Scope {
  const headers = context.requestHeader;
  const lease = headers.get(LEASE) || undefined;
  const namespace = headers.get(NAMESPACE) ?? headers.get(NAMESPACE_TTRPC) ?? '';
  return lease === undefined ? { namespace } : { namespace, lease };
}

/** The headers that carry a scope, under both of the namespace's names. */
export function scopeHeaders(scope: Scope | undefined): Record<string, string> {
  if (scope === undefined) return {};
  const headers: Record<string, string> = {};
  if (scope.namespace !== '') {
    headers[NAMESPACE] = scope.namespace;
    headers[NAMESPACE_TTRPC] = scope.namespace;
  }
  if (scope.lease !== undefined) headers[LEASE] = scope.lease;
  return headers;
}
