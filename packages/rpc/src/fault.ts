import { Code, ConnectError } from '@connectrpc/connect';
import { Fault, type FaultKind } from '@stowage/core';

// Two kinds have no code of their own. The Go client tells them from failed_precondition by the last words of the
// message (containerd errdefs/pkg/errgrpc).
const SUFFIX: Partial<Record<FaultKind, string>> = { conflict: 'conflict', not_modified: 'not modified' };

const CODE_OF: Readonly<Record<FaultKind, Code>> = {
  canceled: Code.Canceled,
  unknown: Code.Unknown,
  invalid_argument: Code.InvalidArgument,
  deadline_exceeded: Code.DeadlineExceeded,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  permission_denied: Code.PermissionDenied,
  resource_exhausted: Code.ResourceExhausted,
  failed_precondition: Code.FailedPrecondition,
  conflict: Code.FailedPrecondition,
  not_modified: Code.FailedPrecondition,
  aborted: Code.Aborted,
  out_of_range: Code.OutOfRange,
  unimplemented: Code.Unimplemented,
  internal: Code.Internal,
  unavailable: Code.Unavailable,
  data_loss: Code.DataLoss,
  unauthenticated: Code.Unauthenticated,
};

const KIND_OF: ReadonlyMap<Code, FaultKind> = new Map(
  (Object.entries(CODE_OF) as Array<[FaultKind, Code]>)
    .filter(([kind]) => SUFFIX[kind] === undefined)
    .map(([kind, code]) => [code, kind]),
);

/** Server edge. A value that is no Fault passes through, and Connect answers `internal` without its text. */
export function toConnect(e: unknown): unknown {
  if (Fault.is(e)) {
    const suffix = SUFFIX[e.kind];
    const message =
      suffix === undefined || e.message.endsWith(suffix) ? e.message : `${e.message}: ${suffix}`;
    return new ConnectError(message, CODE_OF[e.kind], undefined, undefined, e);
  }
  switch ((e as Partial<Error> | null | undefined)?.name) {
    case 'AbortError':
      return new ConnectError('canceled', Code.Canceled, undefined, undefined, e);
    case 'TimeoutError':
      return new ConnectError('deadline exceeded', Code.DeadlineExceeded, undefined, undefined, e);
    default:
      return e;
  }
}

/** Client edge. If our own signal fired, its reason wins over whatever the wire said. */
export function fromConnect(e: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (Fault.is(e)) return e;
  const wire = ConnectError.from(e);
  const kind = KIND_OF.get(wire.code) ?? 'unknown';
  for (const [special, suffix] of Object.entries(SUFFIX)) {
    const told =
      suffix !== undefined && kind === 'failed_precondition' && wire.rawMessage.endsWith(`: ${suffix}`);
    if (told)
      return new Fault(special as FaultKind, wire.rawMessage.slice(0, -suffix.length - 2), { cause: e });
  }
  return new Fault(kind, wire.rawMessage, { cause: e });
}
