import { Fault } from './fault.ts';
import { quote } from './identifiers.ts';
import { cleanLabels, type Labels } from './labels.ts';

/**
 * Splits one path of an update mask on its first dot only, because label keys hold dots and slashes:
 * `labels.a.b/c` names key `a.b/c` of `labels`.
 */
export function splitMaskPath(path: string): { field: string; key: string | undefined } {
  const dot = path.indexOf('.');
  return dot < 0 ? { field: path, key: undefined } : { field: path.slice(0, dot), key: path.slice(dot + 1) };
}

/**
 * Applies the paths `labels` and `labels.<key>` to a label map; an empty value deletes. Without a key the
 * whole map is replaced.
 */
export function maskedLabels(current: Labels, next: Labels, key: string | undefined): Record<string, string> {
  if (key === undefined) return cleanLabels(next);
  const merged = cleanLabels(current);
  const value = Object.hasOwn(next, key) ? next[key] : undefined;
  if (value === undefined || value === '') delete merged[key];
  else merged[key] = value;
  return merged;
}

/** The Fault for a mask path that can't be updated. */
export function unknownMaskPath(path: string, what: string): Fault {
  return new Fault('invalid_argument', `cannot update field ${quote(path)} of ${what}`);
}
