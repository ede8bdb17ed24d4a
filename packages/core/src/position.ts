import { Fault } from './fault.ts';
import { quote } from './identifiers.ts';

/**
 * A place in something that a daemon tells in order. Numbers count within one run of the daemon; an epoch names the run.
 */
export interface Position {
  /** Where somebody asks by it, empty is the present run. */
  readonly epoch: string;
  readonly sequence: bigint;
}

/** `<epoch>:<sequence>`, for people and files. */
export function formatPosition({ epoch, sequence }: Position): string {
  return `${epoch}:${sequence}`;
}

/**
 * Reads what {@link formatPosition} writes, or a number alone, which counts in the present run.
 *
 * @throws Fault `invalid_argument`
 */
export function parsePosition(text: string): Position {
  const [, epoch = '', digits] = /^(?:([^:]*):)?([0-9]{1,19})$/.exec(text) ?? [];
  if (digits === undefined) {
    throw new Fault('invalid_argument', `position ${quote(text)}: expected a number, or EPOCH:NUMBER`);
  }
  return { epoch, sequence: BigInt(digits) };
}
