import { create } from '@bufbuild/protobuf';
import { EnvelopeSchema, type Envelope as WireEnvelope } from '@stowage/api/types';
import { Fault } from '@stowage/core';
import { anyOf, dateOf, timestampOf, typedBytesOf } from '@stowage/rpc';
import type { Envelope } from './events.ts';

export function envelopeToWire({ timestamp, namespace, topic, event }: Envelope): WireEnvelope {
  return create(EnvelopeSchema, { timestamp: timestampOf(timestamp), namespace, topic, event: anyOf(event) });
}

/** @throws Fault `invalid_argument` if it, its time or its event is not set. */
export function envelopeFromWire(wire: WireEnvelope | undefined): Envelope {
  if (wire === undefined) throw new Fault('invalid_argument', 'forward: envelope is required');
  const { namespace, topic } = wire;
  const timestamp = dateOf(wire.timestamp);
  const event = typedBytesOf(wire.event);
  if (timestamp === undefined) throw new Fault('invalid_argument', 'forward: timestamp must be set');
  if (event === undefined) throw new Fault('invalid_argument', 'forward: event must be set');
  return { timestamp, namespace, topic, event };
}
