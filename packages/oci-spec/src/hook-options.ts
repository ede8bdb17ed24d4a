import { Fault, quote } from '@stowage/core';
import { absolutePath, whole } from './check.ts';
import type { SpecOption } from './compose.ts';
import type { Hook, HookName, Hooks } from './spec.ts';

const NAMES: readonly HookName[] = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
];

/**
 * Adds programs that the runtime runs as the container comes and goes, behind those that are there.
 *
 * @throws Fault `invalid_argument` for a hook that is none, a relative path, or a timeout under a second.
 */
export function withHooks(hooks: Hooks): SpecOption {
  for (const [name, list] of Object.entries(hooks)) {
    if (!NAMES.includes(name as HookName))
      throw new Fault('invalid_argument', `hook ${quote(name)} is none of ${NAMES.join(', ')}`);
    for (const hook of list ?? []) checkHook(name, hook);
  }
  return (spec) => {
    const all: { [name in HookName]?: readonly Hook[] } = {};
    for (const name of NAMES) {
      const list = [...(spec.hooks?.[name] ?? []), ...(hooks[name] ?? [])];
      if (list.length > 0) all[name] = list;
    }
    return { ...spec, hooks: all };
  };
}

function checkHook(name: string, { path, timeout }: Hook): void {
  absolutePath(`${name} hook`, path);
  if (timeout !== undefined) whole(`timeout of ${name} hook ${path}`, timeout, 1);
}
