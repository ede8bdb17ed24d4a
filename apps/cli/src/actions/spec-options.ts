import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Client } from '@stowage/client';
import { Fault, LABEL, type Labels, quote, reasonOf } from '@stowage/core';
import {
  parseDevice,
  parseIdMappings,
  parseMount,
  parseRlimit,
  parseSeccomp,
  parseTmpfs,
  parseVolume,
  type SpecOption,
  withAnnotations,
  withApparmor,
  withArgs,
  withCapabilities,
  withCdiDevices,
  withCwd,
  withDevices,
  withEnv,
  withHostDevices,
  withHostNamespace,
  withHostNetwork,
  withHostname,
  withMounts,
  withNewPrivileges,
  withOomScoreAdj,
  withoutSeccomp,
  withPrivileged,
  withRlimits,
  withRootfsReadonly,
  withSeccomp,
  withShmSize,
  withSysctls,
  withTty,
  withUserNamespace,
} from '@stowage/oci-spec';
import type { RunFlags } from '../commands/run-flags.ts';
import { environmentOf } from './environment.ts';
import { initOptions } from './init-options.ts';
import { linesOf } from './label-options.ts';
import { limitOptions } from './limit-options.ts';
import { pidNamespaceOptions } from './pid-namespace.ts';

/**
 * What flags say of a container.
 *
 * @throws Fault `invalid_argument` for values that make no sense, before anything is pulled or made.
 */
export async function specOptions(
  client: Client,
  args: readonly string[],
  flags: RunFlags,
): Promise<SpecOption[]> {
  return [
    ...privileges(flags),
    ...(await processOptions(args, flags)),
    ...files(flags),
    ...limitOptions(flags),
    ...shared(flags),
    ...(await pidNamespaceOptions(client, flags.pid)),
    ...userNamespace(flags),
    ...(await confinement(flags)),
    // After whatever says what it runs.
    ...(flags.init ? await initOptions() : []),
    ...(flags.annotation.length === 0 ? [] : [withAnnotations(pairs('--annotation', flags.annotation))]),
  ];
}

/** First, so that other flags add to it or take from it. */
function privileges({ privileged, capAdd, capDrop, allowNewPrivs }: RunFlags): SpecOption[] {
  return [
    ...(privileged ? [withPrivileged(), withHostDevices()] : []),
    ...(capAdd.length + capDrop.length === 0 ? [] : [withCapabilities({ add: capAdd, drop: capDrop })]),
    ...(allowNewPrivs ? [withNewPrivileges()] : []),
  ];
}

async function processOptions(args: readonly string[], flags: RunFlags): Promise<SpecOption[]> {
  const fromFiles: string[] = [];
  for (const path of flags.envFile) fromFiles.push(...(await linesOf('--env-file', path)));
  const env = environmentOf([...fromFiles, ...flags.env]);
  const { columns, rows } = process.stdout;
  return [
    ...entrypoint(args, flags),
    ...(env.length > 0 ? [withEnv(env)] : []),
    ...(flags.workdir === undefined ? [] : [withCwd(flags.workdir)]),
    ...(flags.ulimit.length === 0 ? [] : [withRlimits(flags.ulimit.map(parseRlimit))]),
    ...(flags.oomScoreAdj === undefined ? [] : [withOomScoreAdj(flags.oomScoreAdj)]),
    ...(flags.tty ? [withTty(columns > 0 && rows > 0 ? { width: columns, height: rows } : undefined)] : []),
  ];
}

/** As docker's, an empty one is none. Without the flag the arguments stand behind the image's, which the client sees to. */
function entrypoint(args: readonly string[], { entrypoint: program }: RunFlags): SpecOption[] {
  if (program === undefined) return [];
  const command = program === '' ? args : [program, ...args];
  if (command.length === 0)
    throw new Fault(
      'invalid_argument',
      '--entrypoint "": there is no command then; say one behind the image',
    );
  return [withArgs(...command)];
}

function files({ readOnly, volume, mount, tmpfs, shmSize, device }: RunFlags): SpecOption[] {
  const mounts = [
    ...mount.map(parseMount),
    ...volume.map((text) => parseVolume(fromHere(text))),
    ...tmpfs.map(parseTmpfs),
  ];
  const isCdi = (text: string) => !text.startsWith('/') && text.includes('=');
  const nodes = device.filter((text) => !isCdi(text)).map(parseDevice);
  const named = device.filter(isCdi);
  return [
    ...(readOnly ? [withRootfsReadonly()] : []),
    ...(shmSize === undefined ? [] : [withShmSize(shmSize)]),
    ...(mounts.length === 0 ? [] : [withMounts(mounts)]),
    ...(nodes.length === 0 ? [] : [withDevices(nodes)]),
    ...(named.length === 0 ? [] : [withCdiDevices(named)]),
  ];
}

/** `./x` and `../x` count from here. */
function fromHere(volume: string): string {
  const [, source = '', rest = ''] = /^(\.\.?(?:\/[^:]*)?)(:.*)$/s.exec(volume) ?? [];
  return source === '' ? volume : `${resolve(source)}${rest}`;
}

function shared({ net, ipc, uts, hostname, sysctl }: RunFlags): SpecOption[] {
  return [
    ...(net === 'host' ? [withHostNetwork()] : []),
    ...(ipc === undefined ? [] : [withHostNamespace('ipc')]),
    ...(uts === undefined ? [] : [withHostNamespace('uts')]),
    ...(hostname === undefined ? [] : [withHostname(hostname)]),
    ...(sysctl.length === 0 ? [] : [withSysctls(pairs('--sysctl', sysctl))]),
  ];
}

function userNamespace({ uidmap, gidmap = uidmap }: RunFlags): SpecOption[] {
  if (uidmap === undefined && gidmap === undefined) return [];
  if (uidmap === undefined || gidmap === undefined)
    throw new Fault('invalid_argument', '--gidmap goes with --uidmap');
  return [withUserNamespace(parseIdMappings(uidmap), parseIdMappings(gidmap))];
}

/** Has the snapshotter show the image's files with the ids of the container's users. */
export function snapshotLabels({ uidmap, gidmap = uidmap }: RunFlags): Labels {
  if (uidmap === undefined || gidmap === undefined) return {};
  const { snapshotPrefix } = LABEL;
  return { [`${snapshotPrefix}uidmapping`]: uidmap, [`${snapshotPrefix}gidmapping`]: gidmap };
}

async function confinement({ seccomp, apparmor }: RunFlags): Promise<SpecOption[]> {
  return [
    ...(seccomp === undefined ? [] : [await seccompOption(seccomp)]),
    ...(apparmor === undefined ? [] : [withApparmor(apparmor)]),
  ];
}

async function seccompOption(file: string): Promise<SpecOption> {
  if (file === 'unconfined') return withoutSeccomp();
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (e) {
    throw new Fault('invalid_argument', `--seccomp ${file}: ${reasonOf(e)}`, { cause: e });
  }
  return withSeccomp(parseSeccomp(text));
}

function pairs(flag: string, entries: readonly string[]): Record<string, string> {
  const all: Record<string, string> = Object.create(null);
  for (const entry of entries) {
    const at = entry.indexOf('=');
    if (at < 1) throw new Fault('invalid_argument', `${flag} ${quote(entry)} must read name=value`);
    all[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return all;
}
