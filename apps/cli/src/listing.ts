import { Fault, quote } from '@stowage/core';
import { jsonLine } from './json.ts';
import type { Style } from './screen.ts';
import { plain, table } from './table.ts';
import { type Fields, parseTemplate, type Template } from './template.ts';
import { written } from './written.ts';

/** How things of one kind are listed: in a table, as JSON, and by templates. */
export interface Listing<T> {
  /** What is shown of each, in the order of the table's columns. */
  readonly fields: ReadonlyArray<Field<T>>;
  /** All that is known of one, exactly. Templates reach it as well: `{{.CreatedAt}}` is its `createdAt`. */
  readonly json: (item: T) => object;
  /** What `--quiet` prints of one; nothing if it has no name. */
  readonly name?: (item: T) => string | undefined;
}

/** Something that is shown of a thing, as a text for people. */
export interface Field<T> {
  /** As templates name it. It goes before what JSON has under this name. */
  readonly name: string;
  /** Over its column. Without one it is for templates alone. */
  readonly heading?: string;
  readonly text: (item: T) => string;
  readonly style?: (item: T) => Style | undefined;
}

export interface FormatFlags {
  readonly format?: string;
  readonly quiet?: boolean;
  /** The same as the format `json`. */
  readonly json?: boolean;
}

/** A format that was understood. */
export type Format =
  | { readonly how: 'names' | 'table' | 'json' }
  | { readonly how: 'template' | 'template table'; readonly template: Template };

/**
 * Understands `--format`, before anything is asked for.
 *
 * @throws Fault `invalid_argument` for neither `table`, `text`, `json` nor a template.
 */
export function formatOf({ format = 'table', quiet = false, json = false }: FormatFlags): Format {
  if (quiet) return { how: 'names' };
  if (json || format === 'json') return { how: 'json' };
  if (format === 'table' || format === 'text') return { how: 'table' };
  const [, columns] = /^table\s+(.*)$/s.exec(format) ?? [];
  if (!format.includes('{{'))
    throw new Fault(
      'invalid_argument',
      `--format ${quote(format)}: expected table, json, or a template such as '{{.ID}}'`,
    );
  if (columns !== undefined) return { how: 'template table', template: parseTemplate(columns) };
  return { how: 'template', template: parseTemplate(format) };
}

/** Lists things in a format; all but tables one by one, as they come. Rejects with `EPIPE` once its reader has left. */
export async function list<T>(
  items: AsyncIterable<T> | Iterable<T>,
  listing: Listing<T>,
  format: Format,
): Promise<void> {
  const all: T[] = [];
  for await (const item of items) {
    const line = lineOf(item, listing, format);
    if (line !== undefined) await written(line);
    else if (format.how === 'table' || format.how === 'template table') all.push(item);
  }
  if (format.how === 'table') await written(tableOf(all, listing));
  if (format.how === 'template table') await written(templateTable(all, listing, format.template));
}

/** One thing on a line, if the format is not a table. */
export function lineOf<T>(item: T, listing: Listing<T>, format: Format): string | undefined {
  switch (format.how) {
    case 'names': {
      const name = listing.name?.(item);
      return name === undefined ? undefined : `${name}\n`;
    }
    case 'json':
      return jsonLine(listing.json(item));
    case 'template':
      return `${format.template.fill(fieldsOf(item, listing))}\n`;
    default:
      return undefined;
  }
}

export function tableOf<T>(items: readonly T[], { fields }: Listing<T>): string {
  const columns = fields.filter(({ heading }) => heading !== undefined);
  return table(
    columns.map(({ heading = '' }) => heading),
    items.map((item) => columns.map(({ text, style }) => ({ text: text(item), style: style?.(item) }))),
  );
}

function templateTable<T>(items: readonly T[], listing: Listing<T>, template: Template): string {
  const heading = ([name = '']: readonly string[]) =>
    listing.fields.find((field) => field.name === name)?.heading ?? name.toUpperCase();
  const headings = template.outline.map((part) => (typeof part === 'string' ? part : heading(part.path)));
  const rows = items.map((item) => template.fill(fieldsOf(item, listing)).split('\t'));
  return table(headings.join('').split('\t'), rows);
}

/** Names are taken as docker writes them or as JSON does. */
function fieldsOf<T>(item: T, { fields, json }: Listing<T>): Fields {
  return {
    get(path) {
      const [first, ...rest] = path;
      const all = json(item) as Record<string, unknown>;
      if (first === undefined) return all;
      const shown = rest.length === 0 ? fields.find(({ name }) => name === first) : undefined;
      if (shown !== undefined) return plain(shown.text(item));
      const key = keyOf(all, first);
      if (key === undefined)
        throw unknownField(first, [...fields.map(({ name }) => name), ...Object.keys(all)]);
      return rest.reduce(below, all[key]);
    },
  };
}

/** What is not there is nothing, as in Go's maps. */
function below(at: unknown, name: string): unknown {
  if (at === null || typeof at !== 'object') return undefined;
  const key = keyOf(at, name);
  return key === undefined ? undefined : (at as Record<string, unknown>)[key];
}

function keyOf(of: object, name: string): string | undefined {
  if (Object.hasOwn(of, name)) return name;
  return Object.keys(of).find((key) => key.toLowerCase() === name.toLowerCase());
}

function unknownField(name: string, known: readonly string[]): Fault {
  const capital = known.map((key) => `.${key.slice(0, 1).toUpperCase()}${key.slice(1)}`);
  const once = capital.filter(
    (key, i) => capital.findIndex((other) => other.toLowerCase() === key.toLowerCase()) === i,
  );
  return new Fault('invalid_argument', `--format: there is no field .${name}; there are ${once.join(', ')}`);
}
