import {
  ImageExportStreamSchema,
  ImageImportStreamSchema,
  ImageStoreSchema,
  OCIRegistrySchema,
  ReadStreamSchema,
  WriteStreamSchema,
} from '@stowage/api/types/transfer';
import type { TypedBytes } from '@stowage/core';
import { packMessage, platformToWire } from '@stowage/rpc';
import type { Stream } from '@stowage/streaming';
import { receiveBytes, sendBytes } from '@stowage/streaming/bytes';
import { credentialsRequestFromWire, credentialsToWire, debugToWire, storedToWire } from '../convert.ts';
import type { CredentialsFor, RegistryImage, TransferObject } from '../objects.ts';
import type { OpenedStreams } from './opened-streams.ts';

/** The message that stands for an object, its streams being opened. */
export async function messageOf(object: TransferObject, opened: OpenedStreams): Promise<TypedBytes> {
  switch (object.kind) {
    case 'registry':
      return registryMessage(object, opened);
    case 'store':
      return packMessage(ImageStoreSchema, storedToWire(object));
    case 'import': {
      const { bytes, mediaType = '', forceCompress = false } = object;
      const stream = await opened.open('import', (at) => sendBytes(at, bytes));
      return packMessage(ImageImportStreamSchema, { stream, mediaType, forceCompress });
    }
    case 'export': {
      const { write, mediaType = '', platforms = [], allPlatforms = false } = object;
      const { skipDockerManifest: skipCompatibilityManifest = false } = object;
      const { skipForeign: skipNonDistributable = false } = object;
      const stream = await opened.open('export', (at) => write(receiveBytes(at)));
      const said = { mediaType, allPlatforms, skipCompatibilityManifest, skipNonDistributable };
      return packMessage(ImageExportStreamSchema, {
        stream,
        platforms: platforms.map(platformToWire),
        ...said,
      });
    }
    case 'read': {
      const { bytes, mediaType = '' } = object;
      const stream = await opened.open('read', (at) => sendBytes(at, bytes));
      return packMessage(ReadStreamSchema, { stream, mediaType });
    }
    case 'write': {
      const { write, mediaType = '' } = object;
      const stream = await opened.open('write', (at) => write(receiveBytes(at)));
      return packMessage(WriteStreamSchema, { stream, mediaType });
    }
    case 'other':
      return { typeUrl: object.typeUrl, value: object.value };
  }
}

async function registryMessage(image: RegistryImage, opened: OpenedStreams): Promise<TypedBytes> {
  const { reference, headers = {}, hostDirectory = '', scheme = '', debug, credentials, onLog } = image;
  const authStream =
    credentials === undefined ? '' : await opened.open('auth', (at) => answer(at, credentials));
  const logsStream = onLog === undefined ? '' : await opened.open('logs', (at) => readLog(at, onLog));
  return packMessage(OCIRegistrySchema, {
    reference,
    resolver: {
      headers: { ...headers },
      hostDir: hostDirectory,
      defaultScheme: scheme,
      httpDebug: debugToWire(debug),
      authStream,
      logsStream,
    },
  });
}

async function answer(stream: Stream, credentials: CredentialsFor): Promise<void> {
  for (;;) {
    const message = await stream.receive();
    if (message === undefined) return;
    const request = credentialsRequestFromWire(message);
    await stream.send(credentialsToWire(await credentials(request)));
  }
}

async function readLog(stream: Stream, onLog: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of receiveBytes(stream)) onLog(decoder.decode(bytes, { stream: true }));
}
