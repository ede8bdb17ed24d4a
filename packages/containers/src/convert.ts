import { create } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { ContainerSchema, type Container as WireContainer } from '@stowage/api/containers/v1';
import { cleanLabels, Fault, type TypedBytes } from '@stowage/core';
import { anyOf, dateOf, timestampOf, typedBytesOf } from '@stowage/rpc';
import type { Container, NewContainer } from './container-store.ts';

/** @throws Fault `invalid_argument` if it is not set. */
export function newContainerFromWire(wire: WireContainer | undefined): NewContainer {
  if (wire === undefined) throw new Fault('invalid_argument', 'container is required');
  const { id, labels, image, runtime, spec, snapshotter, snapshotKey, extensions, sandbox } = wire;
  return {
    id,
    labels: cleanLabels(labels),
    image,
    runtime: { name: runtime?.name ?? '', options: typedBytesOf(runtime?.options) },
    spec: typedBytesOf(spec),
    snapshotter,
    snapshotKey,
    extensions: mapValues(extensions, (any: Any): TypedBytes => ({ typeUrl: any.typeUrl, value: any.value })),
    sandboxId: sandbox,
  };
}

export function containerFromWire(wire: WireContainer | undefined): Container {
  const { createdAt, updatedAt } = wire ?? {};
  const epoch = new Date(0);
  return {
    ...newContainerFromWire(wire),
    createdAt: dateOf(createdAt) ?? epoch,
    updatedAt: dateOf(updatedAt) ?? epoch,
  };
}

export function newContainerToWire(container: NewContainer): WireContainer {
  const { id, labels, image, runtime, spec, snapshotter, snapshotKey, extensions, sandboxId } = container;
  const { name, options } = runtime;
  return create(ContainerSchema, {
    id,
    labels: cleanLabels(labels),
    image,
    runtime: { name, ...(options && { options: anyOf(options) }) },
    ...(spec && { spec: anyOf(spec) }),
    snapshotter,
    snapshotKey,
    extensions: mapValues(extensions, (bytes: TypedBytes): Any => anyOf(bytes)),
    sandbox: sandboxId,
  });
}

export function containerToWire(container: Container): WireContainer {
  const wire = newContainerToWire(container);
  wire.createdAt = timestampOf(container.createdAt);
  wire.updatedAt = timestampOf(container.updatedAt);
  return wire;
}

function mapValues<A, B>(map: Readonly<Record<string, A>>, f: (value: A) => B): Record<string, B> {
  const mapped: Record<string, B> = Object.create(null);
  for (const [key, value] of Object.entries(map)) mapped[key] = f(value);
  return mapped;
}
