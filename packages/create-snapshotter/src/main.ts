import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { errnoOf, Fault, quote, reasonOf } from '@stowage/core';
import { createSnapshotter } from './create.ts';
import { namesOf } from './names.ts';

const HELP = `Usage: npm create @stowage/snapshotter <name> [-- --directory <path>]

Makes an npm package with a snapshotter for Stowage and containerd: TypeScript that passes the conformance kit, a command
that serves it at a unix socket, and the plugin that Stowage loads by the package's name.

  <name>                of the package, and after its scope, of the snapshotter: my-snapshotter, @acme/my-snapshotter
  --directory <path>    where to; must be empty or not there (default: the name, without its scope)
  --help                show this

Exit code: 0 if the package was made, 1 if not. Nothing that is there is changed.
`;

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parsed(args);
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const [name, ...more] = positionals;
  if (name === undefined) throw wrong('a name is missing');
  if (more.length > 0) throw wrong(`${quote(more[0] ?? '')} is one argument too many`);
  const names = namesOf(name);
  const directory = resolve(values.directory ?? names.id);
  const files = await createSnapshotter(directory, names);
  const where = relative(process.cwd(), directory) || '.';
  const list = files.map((file) => `  ${file}`).join('\n');
  process.stdout.write(`${directory}:\n${list}\n
Next:
  cd ${where}
  npm install
  npm run build
  sudo npm test
`);
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { directory: { type: 'string' }, help: { type: 'boolean', default: false } },
    });
  } catch (e) {
    throw wrong(reasonOf(e));
  }
}

function wrong(reason: string): Fault {
  return new Fault('invalid_argument', `${reason} (--help shows what there is)`);
}

try {
  await main(process.argv.slice(2));
} catch (e) {
  // What the system refuses names the path.
  if (!Fault.is(e) && errnoOf(e) === undefined) throw e;
  process.stderr.write(`create-snapshotter: ${reasonOf(e)}\n`);
  process.exitCode = 1;
}
