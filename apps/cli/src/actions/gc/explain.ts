import { type Explanation, KIND_WORD, type ObjectId } from '@stowage/gc';
import type { Command } from 'commander';
import type { GcFlags } from '../../commands/gc.ts';
import { jsonLine } from '../../json.ts';
import { freedText } from './freed-text.ts';
import { type Inspecting, openInspector, tellLimits } from './inspector.ts';
import { resolve } from './resolve.ts';
import { hopText, objectText, rootText } from './words.ts';

export async function explain(
  command: Command,
  text: string,
  { allNamespaces, json }: GcFlags,
): Promise<void> {
  await using at = openInspector(command, allNamespaces);
  const objects = await resolve(at, text);
  for (const [i, object] of objects.entries()) {
    const told = await at.inspector.explain(object, at.options);
    if (json) process.stdout.write(jsonLine(told));
    else {
      if (objects.length > 1) process.stdout.write(`${i === 0 ? '' : '\n'}namespace ${object.namespace}: `);
      process.stdout.write(`${[...lines(told), ...(await consequence(at, told))].join('\n')}\n`);
    }
  }
  if (!json) await tellLimits(at);
}

/** One line per step of the path, each under what keeps it. */
function* lines(told: Explanation): Generator<string> {
  const { object } = told;
  if (told.verdict === 'absent') yield `${objectText(object)} is gone`;
  else if (told.verdict === 'garbage')
    yield `nothing keeps ${objectText(object)}: it goes at the next run (stowage gc run)`;
  else {
    const { path, roots, rootCount } = told;
    const [root, ...others] = roots;
    if (root === undefined) return;
    if (path.length === 1) yield `${rootText(root)} keeps itself`;
    else {
      yield `${objectText(object)} is kept by`;
      yield rootText(root);
      for (const [i, hop] of path.slice(1).entries()) yield `${'  '.repeat(i)}└ ${hopText(hop)}`;
    }
    if (others.length === 0) return;
    yield '';
    yield 'and also by';
    for (const other of others) yield rootText(other);
    if (rootCount > roots.length) yield `and ${rootCount - roots.length} more`;
  }
}

/** What would go, where it is one thing that has to be removed. */
async function consequence({ inspector, options }: Inspecting, told: Explanation): Promise<string[]> {
  if (told.verdict !== 'kept' || told.rootCount !== 1) return [];
  const [root] = told.roots;
  if (root?.why.by !== 'itself') return [];
  const freed = await inspector.freedBy([root.object], options);
  return ['', `Without ${subject(root.object, told.object)} the next run frees ${freedText(freed)}.`];
}

function subject(root: ObjectId, object: ObjectId): string {
  return root.name === object.name && root.kind === object.kind ? 'it' : `that ${KIND_WORD[root.kind]}`;
}
