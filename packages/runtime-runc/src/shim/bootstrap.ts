import { readFields, textOf, writeFields } from './fields.ts';

/** Of containerd.runtime.bootstrap.v1.BootstrapParams, what is of use here. */
export interface Bootstrap {
  readonly id: string;
  readonly namespace: string;
  /** containerd's ttrpc socket, for events. */
  readonly containerd: string;
}

/** A google.protobuf.Any, which older daemons write there, has no field beyond. */
const LAST_FIELD_OF_ANY = 2;

/**
 * What containerd 2.3 and later write to a shim's standard input. Undefined if that holds something else: nothing, or
 * the options that earlier ones write, in an Any.
 */
export function parseBootstrap(input: Uint8Array): Bootstrap | undefined {
  const fields = readFields(input);
  if (Math.max(0, ...(fields?.keys() ?? [])) <= LAST_FIELD_OF_ANY) return undefined;
  return { id: textOf(fields, 1), namespace: textOf(fields, 2), containerd: textOf(fields, 5) };
}

/** How a daemon wants to be told where the shim is: the address alone means version 2 over ttrpc. */
export type AnswerForm = 'protobuf' | 'json' | 'address';

const VERSION = 3;

export function encodeAnswer(form: AnswerForm, address: string): Uint8Array {
  if (form === 'address') return Buffer.from(address);
  if (form === 'json') return Buffer.from(JSON.stringify({ version: VERSION, address, protocol: 'ttrpc' }));
  return writeFields({ 1: VERSION, 2: address, 3: 'ttrpc' });
}
