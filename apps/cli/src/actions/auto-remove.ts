import type { Client } from '@stowage/client';
import { type CallOptions, unlessGone } from '@stowage/core';
import type { Command } from 'commander';
import { CLI_LABEL } from '../container-labels.ts';
import { removeContainer } from './remove-container.ts';

/** Removes a container that has ended, if it was run with `-d --rm`. */
export async function autoRemove(
  command: Command,
  client: Client,
  id: string,
  options: CallOptions,
): Promise<void> {
  const container = await unlessGone(client.services.containers.get(id, options));
  if (container?.labels[CLI_LABEL.autoRemove] !== 'true') return;
  await unlessGone(removeContainer(command, client, id, options));
}
