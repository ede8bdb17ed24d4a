const LETTERS: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };
const ESCAPE =
  /\\(?:(?<letter>[abfnrtv\\])|(?<octal>[0-7]{3})|x(?<hex>[0-9A-Fa-f]{2})|u(?<short>[0-9A-Fa-f]{4})|U(?<long>[0-9A-Fa-f]{8}))/y;

/**
 * Reads the escape at `at`, where there is a backslash: `\n`, `\"`, `\052`, `\x2a`, `\u732b`, `\U0001f431`, ... as in
 * a Go string. `\x` and octal give one byte, the others a character in UTF-8; half of a surrogate pair gives U+FFFD.
 *
 * @param mark - The quotation mark around it, the only one that may be escaped.
 * @returns undefined if it is not an escape.
 * @see The Go Programming Language Specification, "Rune literals"
 */
export function decodeEscape(
  text: string,
  at: number,
  mark: string,
): { readonly bytes: Uint8Array; readonly length: number } | undefined {
  if (text[at + 1] === mark) return { bytes: Buffer.from(mark), length: 2 };
  ESCAPE.lastIndex = at;
  const match = ESCAPE.exec(text);
  if (match === null) return undefined;
  const length = match[0].length;
  const { letter, octal, hex, short, long } = match.groups ?? {};
  if (short !== undefined || long !== undefined) {
    const point = Number.parseInt(short ?? long ?? '', 16);
    return point > 0x10ffff ? undefined : { bytes: Buffer.from(String.fromCodePoint(point)), length };
  }
  const byte =
    letter !== undefined
      ? LETTERS[letter]
      : Number.parseInt(octal ?? hex ?? '', octal === undefined ? 16 : 8);
  return byte === undefined || byte > 255 ? undefined : { bytes: Uint8Array.of(byte), length };
}
