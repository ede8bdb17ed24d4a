import { Fault } from './fault.ts';

const MAX_LENGTH = 76;
const UNPRINTABLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const IDENTIFIER = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;

/**
 * Checks a namespace, container, exec or sandbox id, or one component of an event topic: 1 to 76 ASCII
 * letters, digits and single separators `.`, `_`, `-` between them (containerd pkg/identifiers).
 *
 * @param what - names the value in the message, such as `namespace`.
 * @throws Fault `invalid_argument`
 */
export function validateIdentifier(id: string, what = 'identifier'): void {
  if (id === '') throw new Fault('invalid_argument', `${what} must not be empty`);
  if (id.length > MAX_LENGTH) {
    throw new Fault('invalid_argument', `${what} ${quote(id)} is longer than ${MAX_LENGTH} characters`);
  }
  if (!IDENTIFIER.test(id)) {
    throw new Fault(
      'invalid_argument',
      `${what} ${quote(id)} must match ${IDENTIFIER.source}: letters and digits, with single '.', '_' or '-' between`,
    );
  }
}

/**
 * A hostile string made fit for a message: quoted, cut at 100 characters, and with everything escaped that a
 * terminal would obey or hide: control characters, C1 and bidirectional ones too, line separators, lone surrogates.
 */
export function quote(text: string): string {
  const quoted = JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
  return quoted.replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
