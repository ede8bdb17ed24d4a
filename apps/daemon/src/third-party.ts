import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errnoOf, Fault, type Plugin, quote, reasonOf } from '@stowage/core';

const NAME = /^(@[a-z0-9._~-]+\/)?[a-z0-9_~-][a-z0-9._~-]*$/i;

/** Those of Node that a plugin may tell apart, as an importer has them. */
const CONDITIONS: ReadonlySet<string> = new Set(['node', 'import', 'module-sync', 'default']);

/**
 * Loads the plugins of npm packages by name, from one folder of node_modules.
 *
 * The entry is found here rather than by Node, whose lookup starts at the file that asks: the daemon's own, and only
 * there.
 *
 * @throws Fault `failed_precondition` naming the package that is missing, broken, or exports no `plugins`.
 */
export async function loadPackages(names: readonly string[], pluginDir: string): Promise<Plugin[]> {
  const loaded = await Promise.all(names.map((name) => loadPackage(name, resolve(pluginDir))));
  return loaded.flat();
}

async function loadPackage(name: string, pluginDir: string): Promise<readonly Plugin[]> {
  if (!NAME.test(name)) throw refused(name, 'this is not the name of an npm package');
  const entry = await entryOf(name, pluginDir);
  const { plugins } = await importModule(name, entry);
  if (!Array.isArray(plugins) || !plugins.every(isPlugin)) {
    throw refused(name, `${entry} exports no list of plugins under the name "plugins"`);
  }
  return plugins;
}

async function importModule(name: string, entry: string): Promise<{ readonly plugins?: unknown }> {
  try {
    return (await import(pathToFileURL(entry).href)) as { readonly plugins?: unknown };
  } catch (e) {
    throw refused(name, `cannot be loaded from ${entry}: ${reasonOf(e)}`, e);
  }
}

/** The file that importing the package by name would load. */
async function entryOf(name: string, pluginDir: string): Promise<string> {
  const folder = join(pluginDir, name);
  const { exports, main } = await manifestOf(name, folder, pluginDir);
  const entry = exports === undefined ? (main ?? 'index.js') : rootExport(exports);
  if (typeof entry !== 'string') {
    throw refused(name, `${join(folder, 'package.json')} has no entry "." in "exports" that can be imported`);
  }
  return join(folder, entry);
}

async function manifestOf(
  name: string,
  folder: string,
  pluginDir: string,
): Promise<{ readonly exports?: unknown; readonly main?: unknown }> {
  try {
    return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) ?? {};
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw refused(name, `${folder}/package.json: ${reasonOf(e)}`, e);
    const how =
      basename(pluginDir) === 'node_modules'
        ? `install it with: npm install --prefix ${dirname(pluginDir)} ${name}`
        : 'put it there, or set plugin_dir to the node_modules that has it';
    throw refused(name, `is not in ${pluginDir}; ${how}`, e);
  }
}

/** Resolves `exports` for ".", as Node does: a path, conditions in their order, or alternatives. */
function rootExport(exports: unknown): unknown {
  if (typeof exports !== 'object' || exports === null) return exports;
  if (Array.isArray(exports)) return exports.map(rootExport).find((entry) => typeof entry === 'string');
  if (Object.hasOwn(exports, '.')) return rootExport((exports as { '.': unknown })['.']);
  for (const [condition, target] of Object.entries(exports)) {
    const entry = CONDITIONS.has(condition) ? rootExport(target) : undefined;
    if (typeof entry === 'string') return entry;
  }
  return undefined;
}

function isPlugin(value: unknown): value is Plugin {
  const p = value as Partial<Plugin> | null;
  return typeof p?.id === 'string' && typeof p.slot?.type === 'string' && typeof p.start === 'function';
}

function refused(name: string, reason: string, cause?: unknown): Fault {
  return new Fault('failed_precondition', `package ${quote(name)} of the config: ${reason}`, { cause });
}
