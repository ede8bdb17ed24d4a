import {
  AuthRequestSchema,
  AuthResponseSchema,
  AuthType,
  HTTPDebug,
  ProgressSchema,
  type ImageReference as WireReference,
  type ImageStore as WireStore,
  type UnpackConfiguration as WireUnpack,
} from '@stowage/api/types/transfer';
import { cleanLabels, Fault, quote, type TypedBytes } from '@stowage/core';
import {
  descriptorFromWire,
  descriptorToWire,
  packMessage,
  platformFromWire,
  platformToWire,
  unpackMessage,
} from '@stowage/rpc';
import type {
  CredentialsRequest,
  ImageReference,
  RegistryImage,
  StoredImage,
  TransferCredentials,
  UnpackTarget,
} from './objects.ts';
import type { TransferProgress } from './transfers.ts';

export function storedFromWire(wire: WireStore): StoredImage {
  return {
    kind: 'store',
    name: wire.name,
    labels: cleanLabels(wire.labels),
    platforms: wire.platforms.map(platformFromWire),
    allMetadata: wire.allMetadata,
    manifestLimit: wire.manifestLimit,
    references: wire.extraReferences.map(referenceFromWire),
    unpacks: wire.unpacks.map(unpackFromWire),
  };
}

function referenceFromWire(wire: WireReference): ImageReference {
  const { name, isPrefix, allowOverwrite, addDigest, skipNamedDigest } = wire;
  return { name, isPrefix, allowOverwrite, addDigest, skipNamedDigest };
}

function unpackFromWire({ platform, snapshotter }: WireUnpack): UnpackTarget {
  return {
    ...(platform !== undefined && { platform: platformFromWire(platform) }),
    ...(snapshotter !== '' && { snapshotter }),
  };
}

export function storedToWire(image: StoredImage) {
  const { name, labels = {}, platforms = [], allMetadata = false, manifestLimit = 0 } = image;
  const { references = [], unpacks = [] } = image;
  return {
    name,
    labels: cleanLabels(labels),
    platforms: platforms.map(platformToWire),
    allMetadata,
    manifestLimit,
    extraReferences: references.map(({ name, isPrefix, allowOverwrite, addDigest, skipNamedDigest }) => ({
      name,
      isPrefix: isPrefix ?? false,
      allowOverwrite: allowOverwrite ?? false,
      addDigest: addDigest ?? false,
      skipNamedDigest: skipNamedDigest ?? false,
    })),
    unpacks: unpacks.map(({ platform, snapshotter = '' }) => ({
      snapshotter,
      ...(platform !== undefined && { platform: platformToWire(platform) }),
    })),
  };
}

const DEBUG = [
  [HTTPDebug.DEBUG, 'exchanges'],
  [HTTPDebug.TRACE, 'timing'],
  [HTTPDebug.BOTH, 'both'],
] as const;

export function debugFromWire(wire: HTTPDebug): RegistryImage['debug'] {
  return DEBUG.find(([value]) => value === wire)?.[1];
}

export function debugToWire(debug: RegistryImage['debug']): HTTPDebug {
  return DEBUG.find(([, word]) => word === debug)?.[0] ?? HTTPDebug.DISABLED;
}

/** @throws Fault `invalid_argument` */
export function schemeFromWire(scheme: string): RegistryImage['scheme'] {
  if (scheme === '') return undefined;
  if (scheme === 'http' || scheme === 'https') return scheme;
  throw new Fault('invalid_argument', `default_scheme ${quote(scheme)}: expected http or https`);
}

export function progressToWire(progress: TransferProgress): TypedBytes {
  const { event, name, parents, bytes, totalBytes, descriptor } = progress;
  return packMessage(ProgressSchema, {
    event,
    name,
    parents: [...parents],
    progress: bytes,
    total: totalBytes,
    ...(descriptor !== undefined && { desc: descriptorToWire(descriptor) }),
  });
}

/** @throws Fault `invalid_argument` */
export function progressFromWire(message: TypedBytes): TransferProgress {
  const { event, name, parents, progress, total, desc } = unpackMessage(ProgressSchema, message);
  return {
    event,
    name,
    parents,
    bytes: progress,
    totalBytes: total,
    ...(desc !== undefined && { descriptor: descriptorFromWire(desc) }),
  };
}

export function credentialsRequestToWire({ host, reference, challenges }: CredentialsRequest): TypedBytes {
  return packMessage(AuthRequestSchema, { host, reference, wwwauthenticate: [...challenges] });
}

/** @throws Fault `invalid_argument` */
export function credentialsRequestFromWire(message: TypedBytes): CredentialsRequest {
  const { host, reference, wwwauthenticate } = unpackMessage(AuthRequestSchema, message);
  return { host, reference, challenges: wwwauthenticate };
}

export function credentialsToWire(credentials: TransferCredentials): TypedBytes {
  switch (credentials.type) {
    case 'password': {
      const { username, password: secret } = credentials;
      return packMessage(AuthResponseSchema, { authType: AuthType.CREDENTIALS, username, secret });
    }
    case 'refresh':
      return packMessage(AuthResponseSchema, { authType: AuthType.REFRESH, secret: credentials.token });
    case 'header':
      return packMessage(AuthResponseSchema, { authType: AuthType.HEADER, secret: credentials.value });
    default:
      return packMessage(AuthResponseSchema, { authType: AuthType.NONE });
  }
}

/**
 * Clients say `REFRESH` with an empty secret where they have nothing (containerd core/transfer/registry/registry.go).
 *
 * @throws Fault `invalid_argument`
 */
export function credentialsFromWire(message: TypedBytes): TransferCredentials {
  const { authType, username, secret } = unpackMessage(AuthResponseSchema, message);
  switch (authType) {
    case AuthType.CREDENTIALS:
      return { type: 'password', username, password: secret };
    case AuthType.REFRESH:
      return secret === '' ? { type: 'none' } : { type: 'refresh', token: secret };
    case AuthType.HEADER:
      return { type: 'header', value: secret };
    case AuthType.NONE:
      return { type: 'none' };
    default:
      throw new Fault('invalid_argument', `credentials of type ${String(authType)}: unknown`);
  }
}
