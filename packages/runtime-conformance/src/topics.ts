import { fromBinary } from '@bufbuild/protobuf';
import { registry } from '@stowage/api/registry';
import { Fault } from '@stowage/core';
import type { Envelope } from '@stowage/events';

interface Told {
  readonly containerId: string;
  readonly execId?: string;
  readonly id?: string;
}

/** What was told of one container, in order. */
export function topicsOf(envelopes: readonly Envelope[], id: string): string[] {
  return envelopes.flatMap(({ topic, event }) => {
    const schema = registry.getMessage(event.typeUrl);
    if (schema === undefined) throw new Fault('internal', `event of unknown type ${event.typeUrl}`);
    const { containerId, execId, id: process } = fromBinary(schema, event.value) as unknown as Told;
    if (containerId !== id) return [];
    const exec = execId || (process !== id ? process : '');
    return [topic.replace('/tasks/', '') + (exec ? `:${exec}` : '')];
  });
}
