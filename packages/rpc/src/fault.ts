import { Code, ConnectError } from '@connectrpc/connect';
import { Fault, type FaultKind } from '@stowage/core';

// Two kinds have no code of their own. Clients tell them from failed_precondition by the last words of the message,
// which are put there and taken away here (containerd errdefs/pkg/errgrpc, ToNative).
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

/** Longest message that is sent, in characters: a trailer of 64 KiB must hold it, each byte written as three. */
const MAX_MESSAGE = 6 * 1024;

/** Server edge. A value that is no Fault passes through, and Connect answers `internal` without its text. */
export function toConnect(e: unknown): unknown {
  if (Fault.is(e)) {
    const suffix = SUFFIX[e.kind];
    const text = fit(e.message);
    const message = suffix === undefined ? text : text === '' ? suffix : `${text}: ${suffix}`;
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

/**
 * Client edge. If our own signal fired, its reason wins over whatever the wire said. Of a Fault that went through
 * {@link toConnect}, kind and message are as they were (unless the message is longer than 6144 characters).
 */
export function fromConnect(e: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (Fault.is(e)) return e;
  const { code, rawMessage } = ConnectError.from(e);
  if (code === Code.FailedPrecondition) {
    for (const [kind, suffix] of Object.entries(SUFFIX) as Array<[FaultKind, string]>) {
      if (rawMessage === suffix) return new Fault(kind, '', { cause: e });
      if (rawMessage.endsWith(`: ${suffix}`)) {
        return new Fault(kind, rawMessage.slice(0, -suffix.length - 2), { cause: e });
      }
    }
  }
  return new Fault(KIND_OF.get(code) ?? 'unknown', rawMessage, { cause: e });
}

/** Half a surrogate pair can't be written as a trailer, nor can a message of any length. */
function fit(message: string): string {
  return (message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message).toWellFormed();
}
