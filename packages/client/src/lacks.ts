import type { Lack } from './instead.ts';

const STOWAGE = 'Stowage';

/** What daemons lack that are older, or containerd, and what does instead. */
export const LACK = {
  verifier: {
    what: 'verified blobs',
    since: STOWAGE,
    instead: 'read them here with verifyByReading of @stowage/content',
  },
  sandboxes: {
    what: 'records of sandboxes',
    since: 'containerd 1.7',
    instead: 'use containers that share namespaces by their paths',
  },
  sandboxController: {
    what: 'controllers of sandboxes',
    since: 'containerd 1.7',
    instead: 'use containers that share namespaces by their paths',
  },
  transfers: {
    what: 'transfers',
    since: 'containerd 1.7',
    instead: 'use pull, push, importImages and exportImages of the client, which do them from here',
  },
  streams: {
    what: 'streams',
    since: 'containerd 1.7',
    instead: 'use FIFOs, as the client does for processes',
  },
  mounts: {
    what: 'activated mounts',
    since: 'containerd 2.2',
    instead: 'mount what the snapshotter answers as it is',
  },
  operations: {
    what: 'operations that others see',
    since: STOWAGE,
    instead: 'look at statuses of services.content for what is being fetched',
  },
  eventHistory: {
    what: 'events of the past',
    since: STOWAGE,
    instead: 'use services.events or client.events(), which tell what happens from now on',
  },
  proxyPlugins: {
    what: 'plugins that come and go while it runs',
    since: 'stowaged',
    instead: 'change its config file and restart it',
  },
} as const satisfies Readonly<Record<string, Lack>>;
