import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Fault, type Plugin, reasonOf } from '@stowage/core';

/**
 * Loads the plugins of npm packages by name, from one folder of node_modules.
 *
 * @throws Fault `failed_precondition` naming the package that is missing, broken, or exports no `plugins`.
 */
export async function loadPackages(names: readonly string[], pluginDir: string): Promise<Plugin[]> {
  const loaded = await Promise.all(names.map((name) => loadPackage(name, resolve(pluginDir))));
  return loaded.flat();
}

async function loadPackage(name: string, pluginDir: string): Promise<readonly Plugin[]> {
  let module: { readonly plugins?: unknown };
  try {
    const url = import.meta.resolve(name, pathToFileURL(join(pluginDir, '_')));
    module = (await import(url)) as typeof module;
  } catch {
    module = await importFrom(name, pluginDir);
  }
  const { plugins } = module;
  if (!Array.isArray(plugins) || !plugins.every(isPlugin)) {
    throw new Fault(
      'failed_precondition',
      `package ${name}: exports no list of plugins under the name "plugins"`,
    );
  }
  return plugins;
}

async function importFrom(name: string, pluginDir: string): Promise<{ readonly plugins?: unknown }> {
  try {
    const path = createRequire(join(pluginDir, '_')).resolve(name);
    return (await import(pathToFileURL(path).href)) as { readonly plugins?: unknown };
  } catch (e) {
    const how = `install it with: npm install --prefix ${join(pluginDir, '..')} ${name}`;
    throw new Fault('failed_precondition', `package ${name}: ${reasonOf(e)}; ${how}`, { cause: e });
  }
}

function isPlugin(value: unknown): value is Plugin {
  const p = value as Partial<Plugin> | null;
  return typeof p?.id === 'string' && typeof p.slot?.type === 'string' && typeof p.start === 'function';
}
