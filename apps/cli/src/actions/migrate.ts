import { connect } from '@stowage/client';
import { type Count, migrate, type Step } from '@stowage/migrate';
import type { Command } from 'commander';
import type { MigrateFlags } from '../commands/migrate.ts';
import { open } from '../connection.ts';
import { interruptible } from '../interrupt.ts';
import { formatSize, plain } from '../table.ts';

const PLURAL = { namespace: 'namespaces', blob: 'blobs', image: 'images', container: 'containers' } as const;

/** @returns the exit code: 1 if anything could not be copied. */
export async function migrateHere(command: Command, flags: MigrateFlags): Promise<number> {
  const { from, only, containers, dryRun } = flags;
  using interrupt = interruptible('What was copied stays: the same command goes on from here.');
  const counts = await migrate(
    (namespace) => connect(from, { namespace }),
    (namespace) => open(command, namespace),
    { namespaces: only, containers, dryRun, signal: interrupt.signal, onStep: tell },
  );
  const kinds = Object.keys(PLURAL) as (keyof typeof PLURAL)[];
  for (const kind of kinds) {
    const count = counts[kind];
    if (count !== undefined) process.stdout.write(`${`${PLURAL[kind]}:`.padEnd(12)}${sumOf(count)}\n`);
  }
  return kinds.some((kind) => (counts[kind]?.failed ?? 0) > 0) ? 1 : 0;
}

function sumOf({ copied, exists, failed, would }: Count): string {
  const parts = would > 0 ? [`${would} to copy`] : [`${copied} copied`];
  parts.push(`${exists} there already`);
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join(', ');
}

const WORD = { copied: 'copied', exists: 'there already', failed: 'failed', would: 'to copy' } as const;

/** Blobs that are there, as nearly all are the second time, are not worth a line. */
function tell({ namespace, kind, name, state, reason, sizeBytes }: Step): void {
  if (state === 'exists' && reason === undefined) return;
  const size = sizeBytes === undefined ? '' : ` (${formatSize(sizeBytes)})`;
  const why = reason === undefined ? '' : `: ${reason}`;
  process.stderr.write(`${plain(`${namespace}: ${kind} ${name}${size} ${WORD[state]}${why}`)}\n`);
}
