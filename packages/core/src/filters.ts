import { RE2JS } from 're2js';
import { Fault } from './fault.ts';
import { quote } from './identifiers.ts';

/**
 * How a filter sees an object: the value at a field path, or undefined where there is none.
 * `labels."a.b/c"` arrives as `['labels', 'a.b/c']`, `labels.a.b` as `['labels', 'a', 'b']`.
 */
export type FieldAdaptor = (path: readonly string[]) => string | undefined;

/** Whether an object matches. */
export type Filter = (fields: FieldAdaptor) => boolean;

/** placeholder until the grammar below is written */
export function compileFilters(filters: readonly string[]): Filter {
  void RE2JS; void Fault; void quote;
  void filters;
  throw new Fault('unimplemented', 'filters');
}
