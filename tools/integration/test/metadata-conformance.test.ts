import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { remoteContainers } from '@stowage/containers/remote';
import { remoteEvents } from '@stowage/events/remote';
import { remoteImages } from '@stowage/images/remote';
import { remoteLeases } from '@stowage/leases/remote';
import { type MetadataServices, metadataConformance } from '@stowage/metadata-conformance';
import { remoteNamespaces } from '@stowage/namespaces/remote';
import { unixTransport } from '@stowage/rpc/transport';
import { remoteSandboxes } from '@stowage/sandboxes/remote';
import { type Program, startContainerd } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const run = { describe, test, skip: test.skip };
const suite = withDaemon('metadata-conformance');

metadataConformance(
  {
    name: 'the daemon, over its socket',
    capabilities: new Set(['sandboxes']),
    open: async () => servicesAt(suite.daemon.address),
  },
  run,
);

/** What version 1.6 does otherwise. */
const DIFFERENCES = {
  'leases/a-label-of-4096-bytes-passes-of-4097-does-not': 'labels of leases have no limit',
  'namespaces/an-update-keeps-labels-within-their-limit': 'the refusal is of kind unknown',
  'images/a-source-date-epoch-is-stamped-instead-of-now': 'images have none before 1.7',
  'images/are-deleted-only-while-they-point-where-the-caller-believes': 'the target is ignored before 2.0',
  'images/a-synchronous-delete-waits-for-a-whole-collection': 'images do not expire before 1.7',
  'containers/name-the-sandbox-that-they-belong-to': 'containers have no sandbox before 1.7',
  'containers/an-extension-is-deleted-by-a-missing-value': 'extensions are never deleted',
  'leases/hold-images-too': 'images can not be leased before 1.7',
  'leases/a-resource-has-a-name-and-a-snapshotter': "an empty id is the database's error, of kind unknown",
  'leases/an-image-that-expires-goes-into-the-lease-of-its-maker': 'images do not expire before 1.7',
  'leases/that-are-not-there-take-no-image': 'images can not be leased before 1.7',
  'leases/a-synchronous-delete-waits-for-a-whole-collection': 'images do not expire before 1.7',
};

describe('the other implementation of the contract tells whether the cases are right', () => {
  let containerd: (Program & { readonly address: string }) | undefined;
  beforeAll(async () => {
    containerd = await startContainerd(join(suite.dir, 'containerd'));
  }, 60_000);
  afterAll(async () => {
    await containerd?.[Symbol.asyncDispose]();
  });

  metadataConformance(
    {
      name: 'containerd 1.6',
      capabilities: new Set(),
      differences: DIFFERENCES,
      open: async () => servicesAt(containerd?.address ?? ''),
    },
    run,
  );
});

function servicesAt(address: string): MetadataServices {
  const transport = unixTransport(address);
  return {
    namespaces: remoteNamespaces(transport),
    events: remoteEvents(transport),
    scope: (scope) => ({
      images: remoteImages(transport, scope),
      containers: remoteContainers(transport, scope),
      sandboxes: remoteSandboxes(transport, scope),
      leases: remoteLeases(transport, scope),
    }),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}
