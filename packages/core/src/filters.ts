import { parseFilter, type Selector } from './filter-parser.ts';
import type { Labels } from './labels.ts';
import { compileLinearRegex } from './linear-regex.ts';

/**
 * How a filter sees an object: the value at a field path, or undefined where there is none.
 * `labels."a.b/c"` arrives as `['labels', 'a.b/c']`, `labels.a.b` as `['labels', 'a', 'b']`.
 *
 * A field that is unset counts as absent: give undefined, not an empty string.
 */
export type FieldAdaptor = (path: readonly string[]) => string | undefined;

/** Whether an object matches. */
export type Filter = (fields: FieldAdaptor) => boolean;

/**
 * Reads filters in containerd's syntax. An object matches if any of them does; a filter's comma-separated
 * selectors must all hold. No filters at all, or an empty one, match everything.
 *
 * `path` holds where there is a value and `path==v` where it equals. An absent value compares as an empty
 * string with `path!=v`, which therefore holds, and with `path~=regex`. Regular expressions are RE2's: they are
 * unanchored and take time linear in the value; one that does not compile matches nothing.
 *
 * @throws Fault `invalid_argument` telling where a filter breaks off and what was expected there.
 * @see containerd v2.3.4 pkg/filters
 */
export function compileFilters(filters: readonly string[]): Filter {
  if (filters.length === 0) return () => true;
  const alternatives = filters.map((text) => parseFilter(text).map(compileSelector));
  return (fields) => alternatives.some((selectors) => selectors.every((holds) => holds(fields)));
}

/**
 * The value of a label, for a {@link FieldAdaptor}. Unquoted label keys with dots come apart in the path, so what
 * follows its first component is joined again.
 *
 * @param path - As the adaptor got it, with `labels` (or `annotations`, ...) in front.
 */
export function labelsField(labels: Labels | undefined, path: readonly string[]): string | undefined {
  const key = path.slice(1).join('.');
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function compileSelector({ path, operator, value }: Selector): Filter {
  switch (operator) {
    case 'present':
      return (fields) => fields(path) !== undefined;
    case '==':
      return (fields) => fields(path) === value;
    case '!=':
      return (fields) => (fields(path) ?? '') !== value;
    case '~=': {
      const pattern = compileLinearRegex(value);
      return pattern === undefined ? () => false : (fields) => pattern.test(fields(path) ?? '');
    }
  }
}
