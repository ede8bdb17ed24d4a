import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, Fault } from '@stowage/core';
import { lockDirectory } from '@stowage/embedded/place';
import { checkOffline, type Finding, remoteCheckable, repairOffline } from '@stowage/metadata/check';
import { unixTransport } from '@stowage/rpc/transport';
import type { DaemonConfig } from '../config/daemon-config.ts';
import { backendsAtRest } from './backends-at-rest.ts';

/** What a check or repair tells as it goes on. */
export interface Listener {
  finding(finding: Finding): void;
  /** Something that a repair did. */
  action(text: string): void;
}

const METADATA = 'io.containerd.metadata.v1.level';

/**
 * Checks what a daemon keeps: asks the daemon if one runs, and reads its root otherwise, with a lock on it, so that none
 * starts meanwhile.
 *
 * @throws Fault `not_found` if there is no root or no metadata in it; `unavailable` if the daemon does not answer.
 */
export async function checkRoot(config: DaemonConfig, listener: Listener): Promise<void> {
  using lock = await lockUnlessHeld(config.root);
  if (lock === undefined) {
    await using transport = unixTransport(config.address);
    for await (const finding of remoteCheckable(transport).check()) listener.finding(finding);
    return;
  }
  await using backends = await backendsAtRest(config);
  for (const finding of backends.findings) listener.finding(finding);
  for await (const finding of checkOffline(join(config.root, METADATA), backends.sources))
    listener.finding(finding);
}

/** Repairs metadata. @throws Fault `failed_precondition` while a daemon runs. */
export async function repairRoot(config: DaemonConfig, listener: Listener): Promise<void> {
  await rootIsThere(config.root);
  using _lock = await lockDirectory(config.root);
  await using backends = await backendsAtRest(config);
  for (const finding of backends.findings) listener.finding(finding);
  const { actions, findings } = await repairOffline(join(config.root, METADATA), backends.sources);
  for (const action of actions) listener.action(action);
  for (const finding of findings) listener.finding(finding);
}

async function lockUnlessHeld(root: string): Promise<Disposable | undefined> {
  await rootIsThere(root);
  try {
    return await lockDirectory(root);
  } catch (e) {
    if (Fault.is(e, 'failed_precondition')) return undefined;
    throw e;
  }
}

async function rootIsThere(root: string): Promise<void> {
  try {
    await stat(root);
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') throw new Fault('not_found', `check ${root}: there is no such root`);
    throw e;
  }
}
