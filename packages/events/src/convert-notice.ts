import { create } from '@bufbuild/protobuf';
import {
  PositionSchema,
  SubscribeResponseSchema,
  type SubscribeResponse as WireNotice,
  type Position as WirePosition,
} from '@stowage/api/event-history/v1';
import { Fault, type Position } from '@stowage/core';
import { envelopeFromWire, envelopeToWire } from './convert.ts';
import type { EventNotice } from './event-history.ts';

export function positionToWire({ epoch, sequence }: Position): WirePosition {
  return create(PositionSchema, { epoch, sequence });
}

export function positionFromWire({ epoch, sequence }: WirePosition): Position {
  return { epoch, sequence };
}

export function noticeToWire(told: EventNotice): WireNotice {
  const position = positionToWire(told.position);
  switch (told.type) {
    case 'event':
      return create(SubscribeResponseSchema, {
        position,
        notice: { case: 'event', value: envelopeToWire(told.envelope) },
      });
    case 'gap': {
      const value = told.missed === undefined ? {} : { missed: told.missed };
      return create(SubscribeResponseSchema, { position, notice: { case: 'gap', value } });
    }
    case 'position':
      return create(SubscribeResponseSchema, { position });
  }
}

/** What only a later version knows says at least how far it is. */
export function noticeFromWire(wire: WireNotice): EventNotice {
  if (wire.position === undefined) throw new Fault('invalid_argument', 'notice: position is required');
  const position = positionFromWire(wire.position);
  switch (wire.notice.case) {
    case 'event':
      return { type: 'event', position, envelope: envelopeFromWire(wire.notice.value) };
    case 'gap':
      return { type: 'gap', position, missed: wire.notice.value.missed };
    default:
      return { type: 'position', position };
  }
}
