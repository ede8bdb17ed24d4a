import type { Command } from 'commander';

/** Files of commands: what they define, and how each is loaded. */
export interface CommandFile {
  /** All commands that it adds to the tool itself, their other names included. */
  readonly names: readonly string[];
  readonly load: () => Promise<(program: Command) => void>;
}

/** In the order in which help lists them. Of a group that several files add to, the first one describes it. */
export const COMMAND_FILES: readonly CommandFile[] = [
  { names: ['run'], load: async () => (await import('./commands/run.ts')).addRunCommand },
  { names: ['create'], load: async () => (await import('./commands/create.ts')).addCreateCommand },
  {
    names: ['start', 'stop', 'restart', 'kill', 'pause', 'unpause', 'wait'],
    load: async () => (await import('./commands/lifecycle.ts')).addLifecycleCommands,
  },
  { names: ['exec'], load: async () => (await import('./commands/exec.ts')).addExecCommand },
  { names: ['logs', 'attach'], load: async () => (await import('./commands/logs.ts')).addLogCommands },
  { names: ['top', 'stats'], load: async () => (await import('./commands/stats.ts')).addStatsCommands },
  {
    names: ['diff', 'commit', 'cp'],
    load: async () => (await import('./commands/files.ts')).addFileCommands,
  },
  {
    names: ['ps', 'rm'],
    load: async () => (await import('./commands/containers.ts')).addContainerCommands,
  },
  { names: ['image'], load: async () => (await import('./commands/image.ts')).addImageGroup },
  {
    names: ['pull', 'images', 'tag', 'rmi', 'history'],
    load: async () => (await import('./commands/images.ts')).addImageCommands,
  },
  {
    names: ['login', 'logout', 'push'],
    load: async () => (await import('./commands/registries.ts')).addRegistryCommands,
  },
  { names: ['save', 'load'], load: async () => (await import('./commands/archives.ts')).addArchiveCommands },
  { names: ['inspect'], load: async () => (await import('./commands/inspect.ts')).addInspectCommand },
  { names: ['content'], load: async () => (await import('./commands/content.ts')).addContentCommands },
  { names: ['df'], load: async () => (await import('./commands/df.ts')).addDfCommand },
  {
    names: ['container', 'image', 'system'],
    load: async () => (await import('./commands/prune.ts')).addPruneCommands,
  },
  { names: ['gc'], load: async () => (await import('./commands/gc.ts')).addGcCommands },
  {
    names: ['namespace', 'ns'],
    load: async () => (await import('./commands/namespaces.ts')).addNamespaceCommands,
  },
  { names: ['snapshot'], load: async () => (await import('./commands/snapshots.ts')).addSnapshotCommands },
  { names: ['lease'], load: async () => (await import('./commands/leases.ts')).addLeaseCommands },
  { names: ['info'], load: async () => (await import('./commands/info.ts')).addInfoCommand },
  {
    names: ['operations', 'ops'],
    load: async () => (await import('./commands/operations.ts')).addOperationCommands,
  },
  { names: ['events'], load: async () => (await import('./commands/events.ts')).addEventsCommand },
  { names: ['ui'], load: async () => (await import('./commands/ui.ts')).addUiCommand },
  { names: ['plugins'], load: async () => (await import('./commands/plugins.ts')).addPluginCommands },
  { names: ['migrate'], load: async () => (await import('./commands/migrate.ts')).addMigrateCommand },
  {
    names: ['install-shim'],
    load: async () => (await import('./commands/install-shim.ts')).addInstallShimCommand,
  },
  {
    names: ['completion', '__complete'],
    load: async () => (await import('./commands/completion.ts')).addCompletionCommands,
  },
  { names: ['version'], load: async () => (await import('./commands/version.ts')).addVersionCommand },
];
