import type { Client } from '@stowage/client';
import { Fault } from '@stowage/core';
import type { OperationService } from '@stowage/operations';
import type { Command } from 'commander';
import { open } from '../../connection.ts';

export interface OpenOperations extends AsyncDisposable {
  readonly client: Client;
  readonly operations: OperationService;
}

/** The operations of the namespace that was asked for, or of all. */
export function openOperations(command: Command, allNamespaces: boolean): OpenOperations {
  const client = open(command, allNamespaces ? '' : undefined);
  return {
    client,
    operations: client.services.operations,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** Says what is the matter with a daemon that does not know of operations. */
export async function known<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (cause) {
    if (!Fault.is(cause, 'unimplemented')) throw cause;
    throw new Fault('unimplemented', 'operations: this daemon does not tell of them; stowaged does', {
      cause,
    });
  }
}
