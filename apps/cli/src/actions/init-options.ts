import { access, constants, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Fault } from '@stowage/core';
import { type SpecOption, withMounts } from '@stowage/oci-spec';

/** Where docker puts its own, then what distributions have. */
const PLACES = ['/usr/libexec/docker/docker-init', '/usr/local/bin/docker-init'];
const NAMES = ['docker-init', 'tini-static', 'catatonit', 'tini'];

/** Where it is in the container, as docker has it. */
const AT = '/sbin/docker-init';

/**
 * Has a small init of the host's be the first process: it hands signals on, and reaps what others leave.
 *
 * @throws Fault `not_found` if the host has none.
 */
export async function initOptions(): Promise<SpecOption[]> {
  const source = await findInit();
  const init: SpecOption = (spec) => {
    if (spec.process === undefined) return spec;
    return { ...spec, process: { ...spec.process, args: [AT, '--', ...spec.process.args] } };
  };
  return [withMounts([{ destination: AT, type: 'bind', source, options: ['bind', 'ro'] }]), init];
}

async function findInit(): Promise<string> {
  const dirs = (process.env.PATH ?? '').split(delimiter).filter((dir) => dir.startsWith('/'));
  const places = [...PLACES, ...NAMES.flatMap((name) => dirs.map((dir) => join(dir, name)))];
  for (const path of places) {
    try {
      await access(path, constants.X_OK);
      return await realpath(path);
    } catch {
      // Not this one.
    }
  }
  throw new Fault('not_found', `--init: this host has none of ${NAMES.join(', ')}; install the package tini`);
}
