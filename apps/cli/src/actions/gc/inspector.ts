import type { CallOptions } from '@stowage/core';
import type { GarbageInspector, Limit } from '@stowage/gc';
import type { Command } from 'commander';
import { open } from '../../connection.ts';
import type { GlobalOptions } from '../../global-options.ts';
import { interruptible } from '../../interrupt.ts';

/** The inspector of one command, and a signal for its calls. */
export interface Inspecting extends AsyncDisposable {
  readonly inspector: GarbageInspector;
  readonly options: CallOptions & { readonly signal: AbortSignal };
}

export function openInspector(command: Command, allNamespaces: boolean): Inspecting {
  const { namespace } = command.optsWithGlobals<GlobalOptions>();
  const client = open(command);
  const interrupt = interruptible();
  return {
    inspector: client.inspector(allNamespaces ? '' : namespace),
    options: { signal: interrupt.signal },
    async [Symbol.asyncDispose]() {
      interrupt[Symbol.dispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}

const UNKNOWN: Readonly<Partial<Record<Limit, string>>> = {
  ingests: 'who writes at this moment',
  unfinished: 'what is under way',
};

/** Says beside the answer what it could not take into account. */
export async function tellLimits({ inspector, options }: Inspecting): Promise<void> {
  const unknown = (await inspector.limits(options)).flatMap((limit) => UNKNOWN[limit] ?? []);
  if (unknown.length > 0)
    process.stderr.write(`stowage: this daemon does not tell ${unknown.join(', nor ')}; the rest holds\n`);
}
