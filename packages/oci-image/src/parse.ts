import {
  type Descriptor,
  Fault,
  MEDIA_TYPE,
  normalizePlatform,
  type Platform,
  parseDigest,
} from '@stowage/core';
import {
  type HistoryStep,
  type ImageConfig,
  type ImageIndex,
  type ImageManifest,
  MAX_CONFIG_BYTES,
  MAX_DESCRIPTORS,
  MAX_MANIFEST_BYTES,
} from './documents.ts';
import { JsonFields } from './json-fields.ts';
import { kindOf } from './media-types.ts';

/**
 * Reads an index or manifest list.
 *
 * @param mediaType - what pointed here said it is; the document must not say otherwise.
 * @throws Fault `invalid_argument` for what is malformed or could be read as a manifest too (CVE-2021-41190).
 */
export function parseIndex(bytes: Uint8Array, mediaType: string = MEDIA_TYPE.ociIndex): ImageIndex {
  const fields = openDocument('index', bytes, mediaType, ['config', 'layers']);
  if (!fields.hasAnyCase('manifests')) throw fields.fault('"manifests" is missing');
  return {
    mediaType,
    manifests: fields.objects('manifests', MAX_DESCRIPTORS).map(descriptorOf),
    ...common(fields),
  };
}

/**
 * Reads a manifest.
 *
 * @throws Fault `invalid_argument` for what is malformed or could be read as an index too (CVE-2021-41190).
 */
export function parseManifest(bytes: Uint8Array, mediaType: string = MEDIA_TYPE.ociManifest): ImageManifest {
  const fields = openDocument('manifest', bytes, mediaType, ['manifests']);
  const config = fields.object('config');
  if (config === undefined) throw fields.fault('"config" is missing');
  return {
    mediaType,
    config: descriptorOf(config),
    layers: fields.objects('layers', MAX_DESCRIPTORS).map(descriptorOf),
    ...common(fields),
  };
}

/** @throws Fault `invalid_argument` */
export function parseConfig(bytes: Uint8Array): ImageConfig {
  const fields = JsonFields.parse('image config', bytes, MAX_CONFIG_BYTES);
  const config = fields.object('config') ?? new JsonFields('image config', {});
  const rootfs = fields.object('rootfs');
  const created = fields.string('created');
  const author = fields.string('author');
  return {
    platform: platformOf(fields),
    ...(created !== undefined && { created }),
    ...(author !== undefined && { author }),
    config: {
      user: config.string('User') ?? '',
      env: config.strings('Env'),
      entrypoint: config.strings('Entrypoint'),
      cmd: config.strings('Cmd'),
      workingDir: config.string('WorkingDir') ?? '',
      stopSignal: config.string('StopSignal') ?? '',
      labels: config.labels('Labels'),
      exposedPorts: config.keys('ExposedPorts'),
      volumes: config.keys('Volumes'),
    },
    diffIds: (rootfs?.strings('diff_ids') ?? []).map(parseDigest),
    history: fields.objects('history', MAX_DESCRIPTORS).map(historyStep),
  };
}

function historyStep(fields: JsonFields): HistoryStep {
  const texts = {
    created: fields.string('created'),
    author: fields.string('author'),
    createdBy: fields.string('created_by'),
    comment: fields.string('comment'),
  };
  return { ...texts, isEmpty: fields.boolean('empty_layer') ?? false };
}

function openDocument(
  kind: 'index' | 'manifest',
  bytes: Uint8Array,
  mediaType: string,
  foreign: readonly string[],
): JsonFields {
  const fields = JsonFields.parse(`image ${kind}`, bytes, MAX_MANIFEST_BYTES);
  const claimed = fields.string('mediaType') ?? '';
  if (
    fields.hasAnyCase('fsLayers') ||
    claimed.startsWith('application/vnd.docker.distribution.manifest.v1')
  ) {
    throw schema1();
  }
  if (kindOf(mediaType) !== kind) throw fields.fault(`${mediaType} is no type of an ${kind}`);
  if (claimed !== '' && claimed !== mediaType) {
    throw fields.fault(`it says that it is ${claimed}, and what points at it says ${mediaType}`);
  }
  for (const name of foreign) {
    if (fields.hasAnyCase(name)) {
      throw fields.fault(`it has "${name}", so that it could be taken for something else`);
    }
  }
  return fields;
}

/** The old format, whose images have no digest of their own. */
export function schema1(): Fault {
  return new Fault(
    'unimplemented',
    'read image manifest: Docker schema 1 is not supported; push the image again with a current tool',
  );
}

function common(fields: JsonFields) {
  const subject = fields.object('subject');
  return {
    annotations: fields.labels('annotations'),
    ...(subject !== undefined && { subject: descriptorOf(subject) }),
  };
}

function descriptorOf(fields: JsonFields): Descriptor {
  const annotations = fields.labels('annotations');
  const platform = fields.object('platform');
  return {
    mediaType: fields.required('mediaType'),
    digest: parseDigest(fields.required('digest')),
    size: fields.size('size'),
    ...(Object.keys(annotations).length > 0 && { annotations }),
    ...(platform !== undefined && { platform: platformOf(platform) }),
  };
}

function platformOf(fields: JsonFields): Platform {
  return normalizePlatform({
    os: fields.string('os') ?? '',
    architecture: fields.string('architecture') ?? '',
    variant: fields.string('variant'),
    osVersion: fields.string('os.version'),
    osFeatures: fields.strings('os.features'),
  });
}
