/** An error as it crosses from a worker: structured clone would keep the message only. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  readonly kind?: string | undefined;
}

export function errorToWire(e: unknown): WireError {
  const { name, message, stack, code, errno, syscall, kind } = Object(e) as Partial<WireError>;
  return { name: name ?? 'Error', message: message ?? String(e), stack, code, errno, syscall, kind };
}
