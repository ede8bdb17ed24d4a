import {
  type SpecOption,
  withArgs,
  withCpus,
  withCwd,
  withEnv,
  withHostNetwork,
  withHostname,
  withMemory,
  withRootfsReadonly,
  withTty,
} from '@stowage/oci-spec';
import type { RunFlags } from '../commands/run.ts';
import { environmentOf } from './environment.ts';

/** What flags say of a container. */
export function specOptions(args: readonly string[], flags: RunFlags): SpecOption[] {
  const env = environmentOf(flags.env);
  const { columns, rows } = process.stdout;
  return [
    ...(args.length > 0 ? [withArgs(...args)] : []),
    ...(env.length > 0 ? [withEnv(env)] : []),
    ...(flags.workdir === undefined ? [] : [withCwd(flags.workdir)]),
    ...(flags.hostname === undefined ? [] : [withHostname(flags.hostname)]),
    ...(flags.net === 'host' ? [withHostNetwork()] : []),
    ...(flags.memory === undefined ? [] : [withMemory(flags.memory)]),
    ...(flags.cpus === undefined ? [] : [withCpus(flags.cpus)]),
    ...(flags.readOnly ? [withRootfsReadonly()] : []),
    ...(flags.tty ? [withTty(columns > 0 && rows > 0 ? { width: columns, height: rows } : undefined)] : []),
  ];
}
