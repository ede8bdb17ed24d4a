import { Fault, quote } from '@stowage/core';
import type { TransferObject } from './objects.ts';
import { typeUrlOf } from './type-names.ts';

/** Nobody moves things between such ends. */
export function unsupported(source: TransferObject, destination: TransferObject): Fault {
  const names = `from ${quote(typeUrlOf(source))} to ${quote(typeUrlOf(destination))}`;
  return new Fault('unimplemented', `transfer ${names}: not supported`);
}
