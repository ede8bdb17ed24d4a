import { isDate } from 'node:util/types';
import { Fault, quote } from '@stowage/core';
import { jsonLine } from './json.ts';

/** What a template is filled in with. */
export interface Fields {
  /** The value of `.A.B`, or of `.` for no names. @throws Fault `invalid_argument` if there is no such field. */
  readonly get: (path: readonly string[]) => unknown;
}

/** A template of Go's as docker's `--format` has them: fields, functions and pipes, without conditions and loops. */
export interface Template {
  readonly fill: (fields: Fields) => string;
  /** The first field that each action names, for the headings of a table. Between them the template's own text. */
  readonly outline: ReadonlyArray<string | { readonly path: readonly string[] }>;
}

type Operand = (fields: Fields) => unknown;

/** @throws Fault `invalid_argument`, which says what is wrong with it. */
export function parseTemplate(source: string): Template {
  const pieces = source.split(/\{\{(.*?)\}\}/s);
  const parts = pieces.map((piece, i) => {
    if (i % 2 === 1) return { ...parsePipeline(source, piece), isAction: true };
    if (/\{\{|\}\}/.test(piece)) throw refused(source, '"{{" and "}}" must come in pairs');
    const text = piece.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
    return { value: () => text, path: undefined, isAction: false };
  });
  return {
    fill: (fields) => parts.map(({ value }) => textOf(value(fields))).join(''),
    outline: parts.map(({ value, path, isAction }) =>
      isAction ? { path: path ?? [] } : textOf(value({ get: () => '' })),
    ),
  };
}

const TOKEN = /"(?:\\.|[^"\\])*"|`[^`]*`|-?\d+\b|\||\.[\p{L}\d_.-]*|[\p{L}_]\w*|\S/gu;

function parsePipeline(source: string, action: string): { value: Operand; path: string[] | undefined } {
  const stages: string[][] = [[]];
  for (const [token] of action.matchAll(TOKEN)) {
    if (token === '|') stages.push([]);
    else stages.at(-1)?.push(token);
  }
  const named = stages.flat().find((token) => token.startsWith('.'));
  const value = stages.reduce<Operand | undefined>((piped, stage) => {
    const [first, ...rest] = stage;
    if (first === undefined) throw refused(source, `"{{${action}}}" lacks something`);
    const known = FUNCTIONS[first];
    if (known === undefined) {
      if (rest.length > 0 || piped !== undefined || /^\p{L}/u.test(first))
        throw refused(source, `${quote(first)} is no function; there are ${NAMES}`);
      return operand(source, first);
    }
    const operands = rest.map((token) => operand(source, token));
    if (piped !== undefined) operands.push(piped);
    return (fields) => known(...operands.map((of) => of(fields)));
  }, undefined);
  return { value: value as Operand, path: named === undefined ? undefined : pathOf(named) };
}

const pathOf = (token: string) => token.split('.').filter((name) => name !== '');

function operand(source: string, token: string): Operand {
  if (token.startsWith('.')) return ({ get }) => get(pathOf(token));
  if (token.startsWith('`')) return () => token.slice(1, -1);
  if (/^-?\d+$/.test(token)) return () => Number(token);
  if (!/^".+"$|^""$/s.test(token)) throw refused(source, `${quote(token)} is no field, as .ID is`);
  const text = token.slice(1, -1).replaceAll('\\t', '\t').replaceAll('\\n', '\n').replace(/\\(.)/gs, '$1');
  return () => text;
}

const FUNCTIONS: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  __proto__: null as never,
  json: (value) => jsonLine(value ?? null).trimEnd(),
  join: (list, between) => (Array.isArray(list) ? list.map(textOf) : [textOf(list)]).join(textOf(between)),
  upper: (text) => textOf(text).toUpperCase(),
  lower: (text) => textOf(text).toLowerCase(),
  truncate: (text, length) => [...textOf(text)].slice(0, Number(length)).join(''),
  // Of a map or a list: labels have dots in their names.
  index: (of, ...keys) =>
    keys.reduce((at, key) => (at as Record<string, unknown> | undefined)?.[textOf(key)], of),
};
const NAMES = Object.keys(FUNCTIONS).join(', ');

function refused(source: string, reason: string): Fault {
  return new Fault('invalid_argument', `--format ${quote(source)}: ${reason}`);
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (isDate(value)) return value.toISOString();
  return typeof value === 'object' ? jsonLine(value).trimEnd() : String(value);
}
