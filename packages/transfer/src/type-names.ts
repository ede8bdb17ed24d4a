import {
  ImageExportStreamSchema,
  ImageImportStreamSchema,
  ImageStoreSchema,
  OCIRegistrySchema,
  ReadStreamSchema,
  WriteStreamSchema,
} from '@stowage/api/types/transfer';
import type { TransferObject } from './objects.ts';

/** The messages that objects are on the wire. */
const MESSAGES = {
  registry: OCIRegistrySchema,
  store: ImageStoreSchema,
  import: ImageImportStreamSchema,
  export: ImageExportStreamSchema,
  read: ReadStreamSchema,
  write: WriteStreamSchema,
} as const;

/** How an object's type is called on the wire. */
export function typeUrlOf(object: TransferObject): string {
  return object.kind === 'other' ? object.typeUrl : MESSAGES[object.kind].typeName;
}
