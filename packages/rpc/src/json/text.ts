import type { JsonValue } from '@bufbuild/protobuf';

/**
 * JSON with source text access (ECMA-262, stage 4), which TypeScript's library does not describe yet. A raw number
 * is an object that JSON.stringify writes as the digits that it was made of.
 */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): JsonValue;
  rawJSON(text: string): JsonValue;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
}
const exact = JSON as unknown as ExactJson;

/** Parses JSON; numbers that a double can't hold (`18446744073709551615`, an rlimit) keep their digits. */
export function parseExact(text: string): JsonValue {
  return exact.parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && !isExact(value, source)
      ? exact.rawJSON(source)
      : value,
  );
}

/** Raw numbers as strings, which ProtoJSON takes for any number. */
export function withoutRaw(json: JsonValue): JsonValue {
  if (exact.isRawJSON(json)) return json.rawJSON;
  if (Array.isArray(json)) return json.map(withoutRaw);
  if (json === null || typeof json !== 'object') return json;
  const copy: Record<string, JsonValue> = Object.create(null);
  for (const [key, value] of Object.entries(json)) copy[key] = withoutRaw(value);
  return copy;
}

function isExact(value: number, source: string): boolean {
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(source);
}
