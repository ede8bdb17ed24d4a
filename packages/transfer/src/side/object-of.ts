import {
  ImageExportStreamSchema,
  ImageImportStreamSchema,
  ImageStoreSchema,
  OCIRegistrySchema,
  ReadStreamSchema,
  WriteStreamSchema,
} from '@stowage/api/types/transfer';
import type { TypedBytes } from '@stowage/core';
import { platformFromWire, unpackMessage } from '@stowage/rpc';
import { receiveBytes, sendBytes } from '@stowage/streaming/bytes';
import { debugFromWire, schemeFromWire, storedFromWire } from '../convert.ts';
import type { RegistryImage, TransferObject, WriteBytes } from '../objects.ts';
import { credentialsAsker } from './credentials-asker.ts';
import { LogSender } from './log-sender.ts';
import type { TakenStreams } from './taken-streams.ts';

export interface Side {
  readonly taken: TakenStreams;
  readonly credentialsTimeoutMs: number;
}

/**
 * What a message stands for, with the client's streams in it.
 *
 * @throws Fault `invalid_argument` for malformed ones; `not_found`, `failed_precondition` for streams that can't be used.
 */
export function objectOf(message: TypedBytes, side: Side): TransferObject {
  const { typeUrl, value } = message;
  switch (typeUrl.slice(typeUrl.lastIndexOf('/') + 1)) {
    case OCIRegistrySchema.typeName:
      return registryOf(message, side);
    case ImageStoreSchema.typeName:
      return storedFromWire(unpackMessage(ImageStoreSchema, message));
    case ImageImportStreamSchema.typeName: {
      const { stream, mediaType, forceCompress } = unpackMessage(ImageImportStreamSchema, message);
      return { kind: 'import', bytes: receiveBytes(side.taken.take(stream)), mediaType, forceCompress };
    }
    case ImageExportStreamSchema.typeName: {
      const wire = unpackMessage(ImageExportStreamSchema, message);
      return {
        kind: 'export',
        write: writer(side, wire.stream),
        mediaType: wire.mediaType,
        platforms: wire.platforms.map(platformFromWire),
        allPlatforms: wire.allPlatforms,
        skipDockerManifest: wire.skipCompatibilityManifest,
        skipForeign: wire.skipNonDistributable,
      };
    }
    case ReadStreamSchema.typeName: {
      const { stream, mediaType } = unpackMessage(ReadStreamSchema, message);
      return { kind: 'read', bytes: receiveBytes(side.taken.take(stream)), mediaType };
    }
    case WriteStreamSchema.typeName: {
      const { stream, mediaType } = unpackMessage(WriteStreamSchema, message);
      return { kind: 'write', write: writer(side, stream), mediaType };
    }
    default:
      return { kind: 'other', typeUrl, value };
  }
}

function writer({ taken }: Side, id: string): WriteBytes {
  const stream = taken.take(id);
  return (bytes, options) => sendBytes(stream, bytes, options);
}

function registryOf(message: TypedBytes, { taken, credentialsTimeoutMs }: Side): RegistryImage {
  const { reference, resolver } = unpackMessage(OCIRegistrySchema, message);
  if (resolver === undefined) return { kind: 'registry', reference };
  const { authStream, headers, hostDir, defaultScheme, httpDebug, logsStream } = resolver;
  return {
    kind: 'registry',
    reference,
    headers,
    scheme: schemeFromWire(defaultScheme),
    debug: debugFromWire(httpDebug),
    ...(authStream !== '' && { credentials: credentialsAsker(taken.take(authStream), credentialsTimeoutMs) }),
    ...(hostDir !== '' && { hostDirectory: hostDir }),
    ...(logsStream !== '' && { onLog: logTo(taken, logsStream) }),
  };
}

function logTo(taken: TakenStreams, id: string): (text: string) => void {
  const sender = new LogSender(taken.take(id));
  taken.atEnd(() => sender.end());
  return (text) => sender.log(text);
}
