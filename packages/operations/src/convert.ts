import { create } from '@bufbuild/protobuf';
import {
  ErrorSchema,
  OperationSchema,
  PartSchema,
  PositionSchema,
  State,
  SubscribeResponseSchema,
  type SubscribeResponse as WireChange,
  type Error as WireError,
  type Operation as WireOperation,
  type Part as WirePart,
  type Position as WirePosition,
} from '@stowage/api/operations/v1';
import { Fault, type FaultKind, type Position } from '@stowage/core';
import { dateOf, timestampOf } from '@stowage/rpc';
import type { Operation, OperationChange, OperationError, OperationState, Part } from './operations.ts';

const WIRE_STATE: Readonly<Record<OperationState, State>> = {
  running: State.RUNNING,
  done: State.DONE,
  failed: State.FAILED,
  canceled: State.CANCELED,
};

const KINDS: Readonly<Record<FaultKind, true>> = {
  canceled: true,
  unknown: true,
  invalid_argument: true,
  deadline_exceeded: true,
  not_found: true,
  already_exists: true,
  permission_denied: true,
  resource_exhausted: true,
  failed_precondition: true,
  conflict: true,
  not_modified: true,
  aborted: true,
  out_of_range: true,
  unimplemented: true,
  internal: true,
  unavailable: true,
  data_loss: true,
  unauthenticated: true,
};

const PART_STATES: readonly Part['state'][] = ['waiting', 'running', 'done', 'exists', 'mounted'];

export function operationToWire({ state, startedAt, endedAt, error, ...rest }: Operation): WireOperation {
  const { phases, parts, ...plain } = rest;
  return create(OperationSchema, {
    ...plain,
    state: WIRE_STATE[state],
    startedAt: timestampOf(startedAt),
    ...(endedAt !== undefined && { endedAt: timestampOf(endedAt) }),
    ...(error !== undefined && { error: errorToWire(error) }),
    phases: phases.map(({ name, startedAt }) => ({ name, startedAt: timestampOf(startedAt) })),
    parts: parts.map(partToWire),
  });
}

/** @throws Fault `invalid_argument` if it is not set. */
export function operationFromWire(wire: WireOperation | undefined): Operation {
  if (wire === undefined) throw new Fault('invalid_argument', 'operation is required');
  const { id, kind, namespace, subject, startedBy, cancelable, hasMoreParts } = wire;
  const endedAt = dateOf(wire.endedAt);
  return {
    ...{ id, kind, namespace, subject, state: stateFromWire(wire.state) },
    startedAt: dateOf(wire.startedAt) ?? new Date(0),
    ...(endedAt !== undefined && { endedAt }),
    ...(wire.error !== undefined && { error: errorFromWire(wire.error) }),
    ...{ startedBy, cancelable, hasMoreParts },
    phases: wire.phases.map(({ name, startedAt }) => ({ name, startedAt: dateOf(startedAt) ?? new Date(0) })),
    parts: wire.parts.map(partFromWire),
  };
}

/** One that only a later version knows is none that we could wait for the end of. */
function stateFromWire(wire: State): OperationState {
  const states = Object.keys(WIRE_STATE) as OperationState[];
  return states.find((state) => WIRE_STATE[state] === wire) ?? 'failed';
}

export function errorToWire({ kind, message }: OperationError): WireError {
  return create(ErrorSchema, { kind, message: message.toWellFormed() });
}

/** A kind that only a later version knows is `unknown`. */
export function errorFromWire({ kind, message }: WireError): OperationError {
  return { kind: Object.hasOwn(KINDS, kind) ? (kind as FaultKind) : 'unknown', message };
}

export function partToWire({ name, mediaType, stage, state, bytesDone, bytesTotal }: Part): WirePart {
  return create(PartSchema, { name, mediaType, stage, state, bytesDone, bytesTotal });
}

/** A state that only a later version knows is `running`. */
export function partFromWire({ name, mediaType, stage, state, bytesDone, bytesTotal }: WirePart): Part {
  const known = PART_STATES.find((one) => one === state) ?? 'running';
  return { name, mediaType, stage, state: known, bytesDone, bytesTotal };
}

export function positionToWire({ epoch, sequence }: Position): WirePosition {
  return create(PositionSchema, { epoch, sequence });
}

export function positionFromWire({ epoch, sequence }: WirePosition): Position {
  return { epoch, sequence };
}

export function changeToWire(change: OperationChange): WireChange {
  if (change.type === 'gap') return create(SubscribeResponseSchema, { change: { case: 'gap', value: {} } });
  const { position, operation } = change;
  const value = { position: positionToWire(position), operation: operationToWire(operation) };
  return create(SubscribeResponseSchema, { change: { case: 'changed', value } });
}

/** @returns none for what only a later version knows. */
export function changeFromWire({ change }: WireChange): OperationChange | undefined {
  switch (change.case) {
    case 'gap':
      return { type: 'gap' };
    case 'changed': {
      const { position, operation } = change.value;
      if (position === undefined) throw new Fault('invalid_argument', 'change: position is required');
      return {
        type: 'changed',
        position: positionFromWire(position),
        operation: operationFromWire(operation),
      };
    }
    default:
      return undefined;
  }
}
