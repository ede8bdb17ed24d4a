/** What went wrong, in containerd's vocabulary (its errdefs). Each kind maps to one RPC code. */
export type FaultKind =
  | 'canceled'
  | 'unknown'
  | 'invalid_argument'
  | 'deadline_exceeded'
  | 'not_found'
  | 'already_exists'
  | 'permission_denied'
  | 'resource_exhausted'
  | 'failed_precondition'
  | 'conflict'
  | 'not_modified'
  | 'aborted'
  | 'out_of_range'
  | 'unimplemented'
  | 'internal'
  | 'unavailable'
  | 'data_loss'
  | 'unauthenticated';

/**
 * A failure a caller may branch on. Anything else that is thrown is a bug.
 *
 * The message reads *operation subject: reason*, and where a person can act, says how. Branch on `kind`,
 * never on the message; the cause, when there is one, is the lower error unchanged.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  /** Structural, because `instanceof` breaks across realms and duplicated installs. */
  static is(e: unknown, kind?: FaultKind): e is Fault {
    const f = e as Partial<Fault> | null | undefined;
    return f?.name === 'Fault' && typeof f.kind === 'string' && (kind === undefined || f.kind === kind);
  }
}

/** The text of whatever was thrown, for a message; never a stack. */
export function reasonOf(e: unknown): string {
  const { message, errors } = (e ?? {}) as Partial<AggregateError>;
  if (typeof message === 'string' && message !== '') return message;
  // A refused connection to a name with several addresses is an AggregateError without a message.
  if (Array.isArray(errors) && errors.length > 0) return errors.map(reasonOf).join('; ');
  try {
    return String(e);
  } catch {
    return 'unknown reason';
  }
}

/** The `code` of a Node system error (`ENOENT`, `EEXIST`, ...), or undefined. */
export function errnoOf(e: unknown): string | undefined {
  const code = (e as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The system's words for want of something that may be there again: space, descriptors, memory. */
export const EXHAUSTED: Readonly<Record<string, FaultKind>> = {
  ENOSPC: 'resource_exhausted',
  EDQUOT: 'resource_exhausted',
  EMFILE: 'resource_exhausted',
  ENFILE: 'resource_exhausted',
  ENOMEM: 'resource_exhausted',
};
