import type { Scope } from '@stowage/core';

const NAMESPACE = 'containerd-namespace';
const NAMESPACE_TTRPC = 'containerd-namespace-ttrpc';
const LEASE = 'containerd-lease';

/** The headers of a call. */
export interface CallHeaders {
  readonly requestHeader: Headers;
  /** One of them, where that is less work than having them all. */
  readonly requestField?: (name: string) => string | null;
}

/** The scope that a caller put into its headers. The namespace is empty where it named none. */
export function scopeOf(context: CallHeaders): Scope {
  const field = (name: string) =>
    context.requestField === undefined ? context.requestHeader.get(name) : context.requestField(name);
  const lease = field(LEASE) || undefined;
  const namespace = field(NAMESPACE) ?? field(NAMESPACE_TTRPC) ?? '';
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
