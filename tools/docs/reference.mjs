import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Application, OptionDefaults, PageEvent, ReflectionKind } from 'typedoc';

/** What programs import, by the exports of manifests: its name by source file. */
export function entryPoints(root) {
  const found = new Map();
  for (const folder of readdirSync(join(root, 'packages'))) {
    const manifest = join(root, 'packages', folder, 'package.json');
    if (!existsSync(manifest)) continue;
    const { name, exports = {} } = JSON.parse(readFileSync(manifest, 'utf8'));
    for (const [path, target] of Object.entries(exports)) {
      const source = typeof target === 'object' && 'default' in target ? target['stowage-source'] : undefined;
      if (source !== undefined) found.set(join(root, 'packages', folder, source), `${name}${path.slice(1)}`);
    }
  }
  return found;
}

/**
 * Writes the reference of all that packages export, a module for each path that programs import.
 *
 * @returns how many errors and warnings there were, which are printed; and where each module is, from `out`.
 */
export async function writeReference(root, out) {
  const entries = entryPoints(root);
  const app = await Application.bootstrap({
    name: 'Stowage',
    tsconfig: join(import.meta.dirname, 'tsconfig.json'),
    entryPoints: [...entries.keys()],
    out,
    readme: 'none',
    // Types are looked at by the compiler that they are written for, which this one is not.
    skipErrorChecking: true,
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    disableSources: true,
    hideGenerator: true,
    blockTags: [...OptionDefaults.blockTags, '@generated'],
    excludeTags: [...OptionDefaults.excludeTags, '@generated'],
    navigationLinks: { Guides: '../index.html' },
    validation: { invalidLink: true, notExported: false, notDocumented: false, rewrittenLink: false },
  });
  const project = await app.convert();
  if (project === undefined) return { problems: app.logger.errorCount || 1, urls: new Map() };
  const modules = (project.children ?? []).filter(({ kind }) => kind === ReflectionKind.Module);
  for (const module of modules) {
    const file = project.getSymbolIdFromReflection(module)?.fileName;
    const name = entries.get(file);
    if (name === undefined) throw new Error(`${module.name}: no package exports ${file}`);
    module.name = name;
  }
  if (modules.length !== entries.size)
    throw new Error(`${entries.size} exports, and ${modules.length} modules`);
  const urls = new Map();
  app.renderer.on(PageEvent.END, ({ model, url }) => modules.includes(model) && urls.set(model.name, url));
  app.validate(project);
  await app.generateOutputs(project);
  return { problems: app.logger.errorCount + app.logger.warningCount, urls };
}
