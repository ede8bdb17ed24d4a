import type { Command } from 'commander';

export interface GcFlags {
  readonly allNamespaces: boolean;
  readonly json: boolean;
}

export interface MeasureFlags extends GcFlags {
  readonly active: boolean;
}

const EXAMPLES = `
Examples:
  stowage gc explain busybox           what an image is kept by, and what goes with it
  stowage gc explain sha256:b94d27     why a blob is still here
  stowage gc plan                      what the next run would remove
  stowage gc freed-by busybox          what removing it would free

The daemon collects by itself, after removals and when something expires. See also stowage df.
stowage gc COMMAND --help shows the options of one command, with examples.`;

const OBJECTS = `
OBJECT is an image, a digest or how one begins, or the name of anything else: what it is gets found out. Where that is
not clear, say which:
  image:NAME  content:DIGEST  snapshot:KEY  snapshot:SNAPSHOTTER/KEY
  container:ID  sandbox:ID  lease:ID  ingest:REF`;

const EXPLAIN_EXAMPLES = `
Examples:
  stowage gc explain busybox
  stowage gc explain sha256:b94d27
  stowage gc explain snapshot:overlayfs/web
  stowage gc explain lease:4711
  stowage gc explain --all-namespaces sha256:b94d27

What it prints reads from above: an image, container or lease, which keeps itself; below it, by which field or label
it keeps the next thing, and so on down to the object. If several keep it, those are named too: it goes when the last
of them does.
${OBJECTS}`;

const PLAN_EXAMPLES = `
Examples:
  stowage gc plan
  stowage gc plan --all-namespaces --json | jq .object.name

Nothing is removed. What other namespaces have too frees 0 B. Lines without namespace are what only a backend has still.`;

const FREED_EXAMPLES = `
Examples:
  stowage gc freed-by busybox
  stowage gc freed-by busybox alpine        both together may free more than one by one
  stowage gc freed-by --active container:web

Nothing is removed. Counted is what is kept by nothing but these objects, in whatever namespace.
${OBJECTS}`;

const RUN_EXAMPLES = `
Examples:
  stowage gc run

Of all namespaces. It waits until the files are gone too.`;

const ORPHANS_EXAMPLES = `
Examples:
  stowage gc orphans

Of all namespaces. "unrecorded" is on the disk, and nothing remembers it; the daemon looks for it when it starts.
"missing" is remembered, and not on the disk: remove it, or pull its image again. Exit code 1 if anything is missing.`;

const ALL = ['-A, --all-namespaces', 'in all namespaces', false] as const;
const JSON_LINES = ['--json', 'a JSON value on each line', false] as const;
const ACTIVE = ['--active', 'measure what containers write to as well, by walking it', false] as const;

export function addGcCommands(program: Command): void {
  const gc = program
    .command('gc')
    .description('see what keeps things on the disk, and what goes')
    .addHelpText('after', EXAMPLES);

  gc.command('explain <object>')
    .description('show why something is still here')
    .option(...ALL)
    .option(...JSON_LINES)
    .addHelpText('after', EXPLAIN_EXAMPLES)
    .action(async (object: string, flags: GcFlags, command: Command) => {
      const { explain } = await import('../actions/gc/explain.ts');
      await explain(command, object, flags);
    });

  gc.command('plan')
    .description('list what the next run would remove')
    .option(...ALL)
    .option(...ACTIVE)
    .option(...JSON_LINES)
    .addHelpText('after', PLAN_EXAMPLES)
    .action(async (flags: MeasureFlags, command: Command) => {
      const { plan } = await import('../actions/gc/plan.ts');
      await plan(command, flags);
    });

  gc.command('freed-by <object...>')
    .description('tell what removing something would free')
    .option(...ALL)
    .option(...ACTIVE)
    .option(...JSON_LINES)
    .addHelpText('after', FREED_EXAMPLES)
    .action(async (objects: string[], flags: MeasureFlags, command: Command) => {
      const { freedBy } = await import('../actions/gc/freed-by.ts');
      await freedBy(command, objects, flags);
    });

  gc.command('run')
    .description('collect garbage now')
    .option(...JSON_LINES)
    .addHelpText('after', RUN_EXAMPLES)
    .action(async (flags: Pick<GcFlags, 'json'>, command: Command) => {
      const { run } = await import('../actions/gc/run.ts');
      await run(command, flags);
    });

  gc.command('orphans')
    .description('list what records and the disk disagree about')
    .option(...JSON_LINES)
    .addHelpText('after', ORPHANS_EXAMPLES)
    .action(async (flags: Pick<GcFlags, 'json'>, command: Command) => {
      const { orphans } = await import('../actions/gc/orphans.ts');
      process.exitCode = await orphans(command, flags);
    });
}
