import { join } from 'node:path';
import { must } from '@stowage/testing';
import { adaptations } from '../rehearse/adapt.ts';
import { compile, exampleOf, runExample } from '../rehearse/example.ts';
import type { NodeVersion } from '../rehearse/nodes.ts';
import type { Package } from '../rehearse/packages.ts';

/** Paths of a package that programs import; those of its manifest, of JSON and of sources alone are none. */
export function entriesOf({ manifest: { name, exports = {} } }: Package): readonly string[] {
  return Object.entries(exports).flatMap(([path, target]) => {
    const isProgram = typeof target === 'object' && target !== null && 'default' in target;
    return isProgram ? [`${name}${path.slice(1)}`] : [];
  });
}

/**
 * Imports all that a package offers, and runs the first example of its README where that needs nothing but packages. As
 * siblings are resolved by the names of what they export, whatever a package uses that the other version lacks fails here.
 */
export async function smoke(dir: string, one: Package, node: NodeVersion): Promise<void> {
  const lines = entriesOf(one).map((path) => `await import(${JSON.stringify(path)});`);
  await must(node.program, ['--input-type=module', '--eval', lines.join('\n')], { cwd: dir });
  const { name } = one.manifest;
  const example = await exampleOf(one.place);
  if (example === undefined || !isByItself(name, example.text)) return;
  const own = join(dir, 'example');
  const program = await compile(dir, example, example.text.replaceAll('/tmp/example', own));
  await runExample(program, node, example.prints?.replaceAll('/tmp/example', own), {});
}

function isByItself(name: string, text: string): boolean {
  return adaptations[name] === undefined && !/\/run\/|node:test/.test(text);
}
