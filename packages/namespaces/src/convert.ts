import { create } from '@bufbuild/protobuf';
import { NamespaceSchema, type Namespace as WireNamespace } from '@stowage/api/namespaces/v1';
import { cleanLabels, Fault } from '@stowage/core';
import type { Namespace } from './namespace-store.ts';

/** @throws Fault `invalid_argument` if it is not set. */
export function namespaceFromWire(wire: WireNamespace | undefined): Namespace {
  if (wire === undefined) throw new Fault('invalid_argument', 'namespace is required');
  return { name: wire.name, labels: cleanLabels(wire.labels) };
}

export function namespaceToWire({ name, labels }: Namespace): WireNamespace {
  return create(NamespaceSchema, { name, labels: cleanLabels(labels) });
}
