import { constants } from 'node:os';

/** Somebody pressed Ctrl-C, or asked the process to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** As shells tell it. */
  readonly exitCode: number;

  /** What to do about it, if anything. */
  readonly hint: string | undefined;

  constructor(signal: 'SIGINT' | 'SIGTERM', hint?: string) {
    super('interrupted');
    this.hint = hint;
    this.exitCode = 128 + constants.signals[signal];
  }

  static is(e: unknown): e is Interrupted {
    return (e as Partial<Error> | null)?.name === 'Interrupted';
  }
}

/**
 * A signal that fires at the first Ctrl-C, for what is under way to be undone; a second one ends the process at once.
 * Disposing gives Ctrl-C back.
 *
 * @param hint - told with it.
 */
export function interruptible(hint?: string): Disposable & { readonly signal: AbortSignal } {
  const stop = new AbortController();
  const off = () => {
    process.off('SIGINT', fire).off('SIGTERM', fire);
  };
  const fire = (signal: NodeJS.Signals) => {
    off();
    stop.abort(new Interrupted(signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT', hint));
  };
  process.on('SIGINT', fire).on('SIGTERM', fire);
  return { signal: stop.signal, [Symbol.dispose]: off };
}
