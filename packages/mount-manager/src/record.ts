import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanLabels, unlessAbsent } from '@stowage/core';
import { replaceFile } from '@stowage/core/durable';
import type { Activation, ActiveMount } from '@stowage/mounts';

/**
 * What the directory of an activation says of it. Written before anything is mounted there, and again when all is: one
 * that is not whole is undone by whoever finds it.
 */
export interface ActivationRecord {
  /** Types of the mounts that are made here, in order: who undoes each. */
  readonly types: readonly string[];
  readonly isWhole: boolean;
  readonly activation: Activation;
}

const FILE = 'activation.json';
/** All that a record may leave, in the order in which it goes. */
export const RECORD_FILES = [`${FILE}.new`, FILE] as const;

/** What there is of a record in JSON; times are text there. */
type Stored = Omit<ActivationRecord, 'activation'> & {
  readonly activation: Omit<Activation, 'active'> & {
    readonly active: ReadonlyArray<Omit<ActiveMount, 'mountedAt'> & { readonly mountedAt: string }>;
  };
};

export async function writeRecord(directory: string, record: ActivationRecord): Promise<void> {
  await replaceFile(join(directory, FILE), JSON.stringify(record));
}

/**
 * @returns undefined if there is none: nothing was mounted there yet.
 * @throws SyntaxError for one that was not written here.
 */
export async function readRecord(directory: string): Promise<ActivationRecord | undefined> {
  const text = await unlessAbsent(readFile(join(directory, FILE), 'utf8'));
  if (text === undefined) return undefined;
  const { types, isWhole, activation } = JSON.parse(text) as Stored;
  const active = activation.active.map((mount) => ({ ...mount, mountedAt: new Date(mount.mountedAt) }));
  return { types, isWhole, activation: { ...activation, active, labels: cleanLabels(activation.labels) } };
}
