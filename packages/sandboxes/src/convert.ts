import { create } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { SandboxSchema, type Sandbox as WireSandbox } from '@stowage/api/types';
import { cleanLabels, Fault, type TypedBytes } from '@stowage/core';
import { anyOf, dateOf, timestampOf, typedBytesOf } from '@stowage/rpc';
import type { NewSandbox, Sandbox } from './sandbox-store.ts';

/** @throws Fault `invalid_argument` if it is not set. */
export function newSandboxFromWire(wire: WireSandbox | undefined): NewSandbox {
  if (wire === undefined) throw new Fault('invalid_argument', 'sandbox is required');
  const { sandboxId: id, labels, runtime, spec, extensions, sandboxer } = wire;
  return {
    id,
    labels: cleanLabels(labels),
    runtime: { name: runtime?.name ?? '', options: typedBytesOf(runtime?.options) },
    spec: typedBytesOf(spec),
    extensions: mapValues(extensions, (any: Any): TypedBytes => ({ typeUrl: any.typeUrl, value: any.value })),
    sandboxer,
  };
}

export function sandboxFromWire(wire: WireSandbox | undefined): Sandbox {
  const { createdAt, updatedAt } = wire ?? {};
  const epoch = new Date(0);
  return {
    ...newSandboxFromWire(wire),
    createdAt: dateOf(createdAt) ?? epoch,
    updatedAt: dateOf(updatedAt) ?? epoch,
  };
}

/** A Go server reads the runtime without asking whether there is one, so it is always set. */
export function newSandboxToWire({
  id,
  labels,
  runtime,
  spec,
  extensions,
  sandboxer,
}: NewSandbox): WireSandbox {
  const { name, options } = runtime;
  return create(SandboxSchema, {
    sandboxId: id,
    labels: cleanLabels(labels),
    runtime: { name, ...(options && { options: anyOf(options) }) },
    ...(spec && { spec: anyOf(spec) }),
    extensions: mapValues(extensions, (bytes: TypedBytes): Any => anyOf(bytes)),
    sandboxer,
  });
}

export function sandboxToWire(sandbox: Sandbox): WireSandbox {
  const wire = newSandboxToWire(sandbox);
  wire.createdAt = timestampOf(sandbox.createdAt);
  wire.updatedAt = timestampOf(sandbox.updatedAt);
  return wire;
}

function mapValues<A, B>(map: Readonly<Record<string, A>>, f: (value: A) => B): Record<string, B> {
  const mapped: Record<string, B> = Object.create(null);
  for (const [key, value] of Object.entries(map)) mapped[key] = f(value);
  return mapped;
}
