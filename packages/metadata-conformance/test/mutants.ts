import type { ContainerStore } from '@stowage/containers';
import { compileFilters, Fault, type Labels, MAX_LABEL_BYTES } from '@stowage/core';
import type { ImageStore } from '@stowage/images';
import type { LeaseManager } from '@stowage/leases';
import type { MetadataServices, ScopedServices } from '@stowage/metadata-conformance';
import type { NamespaceStore } from '@stowage/namespaces';
import type { SandboxStore } from '@stowage/sandboxes';

/** Services that are broken in one way. */
export interface Mutant {
  readonly name: string;
  /** Cases that must catch it. */
  readonly caughtBy: readonly string[];
  breakIt(services: MetadataServices): MetadataServices;
}

type Scoping = MetadataServices['scope'];

function scoped(
  name: string,
  caughtBy: readonly string[],
  change: (at: ScopedServices, scope: Scoping) => Partial<ScopedServices>,
): Mutant {
  const breakIt = (services: MetadataServices): MetadataServices => ({
    ...services,
    scope: (scope) => {
      const at = services.scope(scope);
      const { images, containers, leases, sandboxes } = at;
      return { images, containers, leases, sandboxes, ...change(at, services.scope) };
    },
  });
  return { name, caughtBy, breakIt };
}

const images = (
  name: string,
  caughtBy: readonly string[],
  change: (images: ImageStore) => Partial<ImageStore>,
) => scoped(name, caughtBy, (at) => ({ images: { ...at.images, ...change(at.images) } }));

const containers = (
  name: string,
  caughtBy: readonly string[],
  change: (containers: ContainerStore) => Partial<ContainerStore>,
) => scoped(name, caughtBy, (at) => ({ containers: { ...at.containers, ...change(at.containers) } }));

const sandboxes = (
  name: string,
  caughtBy: readonly string[],
  change: (sandboxes: SandboxStore) => Partial<SandboxStore>,
) =>
  scoped(name, caughtBy, (at) => {
    if (at.sandboxes === undefined) throw new Error('there are sandboxes');
    return { sandboxes: { ...at.sandboxes, ...change(at.sandboxes) } };
  });

const leases = (
  name: string,
  caughtBy: readonly string[],
  change: (leases: LeaseManager) => Partial<LeaseManager>,
) => scoped(name, caughtBy, (at) => ({ leases: { ...at.leases, ...change(at.leases) } }));

const namespaces = (
  name: string,
  caughtBy: readonly string[],
  change: (namespaces: NamespaceStore) => Partial<NamespaceStore>,
): Mutant => ({
  name,
  caughtBy,
  breakIt: (services) => ({
    ...services,
    namespaces: { ...services.namespaces, ...change(services.namespaces) },
  }),
});

function limitInCharacters(labels: Labels): void {
  for (const [key, value] of Object.entries(labels))
    if (key.length + value.length > MAX_LABEL_BYTES) throw new Fault('invalid_argument', key);
}

export const mutants: readonly Mutant[] = [
  scoped(
    'all namespaces are one',
    ['images', 'containers', 'sandboxes', 'leases'].map(
      (what) => `${what}/of-one-namespace-are-unseen-in-another`,
    ),
    (_, scope) => scope({ namespace: 'one' }),
  ),
  images(
    'a second create replaces',
    ['images/a-second-of-a-name-already-exists-and-the-first-stays'],
    (own) => ({
      async create(image, options) {
        try {
          return await own.create(image, options);
        } catch (e) {
          if (!Fault.is(e, 'already_exists')) throw e;
          return own.update(image, [], options);
        }
      },
    }),
  ),
  images('delete of what is not there succeeds', ['images/absent-is-not-found-and-named'], (own) => ({
    async delete(...args) {
      await own.delete(...args).catch((e: unknown) => {
        if (!Fault.is(e, 'not_found')) throw e;
      });
    },
  })),
  images(
    'labels are limited in characters',
    ['images/a-label-of-4096-bytes-passes-of-4097-does-not'],
    (own) => ({
      async create({ labels, ...image }, options) {
        limitInCharacters(labels);
        const fit = Object.fromEntries(Object.entries(labels).filter(([, v]) => Buffer.byteLength(v) < 4000));
        return { ...(await own.create({ ...image, labels: fit }, options)), labels };
      },
    }),
  ),
  images('mask paths split at every dot', ['images/a-mask-path-splits-at-its-first-dot'], (own) => ({
    update: (change, paths = [], options) =>
      own.update(
        change,
        paths.map((path) => path.split('.').slice(0, 2).join('.')),
        options,
      ),
  })),
  images(
    'unknown paths are passed over',
    ['images/an-unknown-path-is-refused-and-nothing-changes'],
    (own) => ({
      update: (change, paths = [], options) =>
        own.update(
          change,
          paths.filter((path) => /^(labels|target|annotations)/.test(path)),
          options,
        ),
    }),
  ),
  images(
    'the paths before an unknown one are applied',
    ['images/an-unknown-path-is-refused-and-nothing-changes', 'events/what-was-refused-is-not-told'],
    (own) => ({
      async update(change, paths = [], options) {
        if (paths.length === 0) return own.update(change, paths, options);
        let updated = await own.get(change.name, options);
        for (const path of paths) updated = await own.update(change, [path], options);
        return updated;
      },
    }),
  ),
  images('filters are passed over', ['images/a-filter-asks-for-all-and-several-for-any'], (own) => ({
    list: (filters = [], options) => {
      compileFilters(filters);
      return own.list([], options);
    },
  })),
  images('regular expressions are those of JavaScript', ['images/regular-expressions-in-filters'], (own) => ({
    async *list(filters = [], options) {
      const [, field, pattern] = /^labels\.(\w+)~="(.*)"$/.exec(filters.join()) ?? [];
      if (field === undefined || pattern === undefined) return yield* own.list(filters, options);
      const regex = new RegExp(pattern);
      for await (const image of own.list([], options)) if (regex.test(image.labels[field] ?? '')) yield image;
    },
  })),
  images(
    'the target of a delete is passed over',
    ['images/are-deleted-only-while-they-point-where-the-caller-believes'],
    (own) => ({ delete: (name, { target: _, ...options } = {}) => own.delete(name, options) }),
  ),
  images(
    'a synchronous delete waits for nothing',
    ['images/a-synchronous-delete-waits-for-a-whole-collection'],
    (own) => ({
      delete: (name, { sync: _, ...options } = {}) => own.delete(name, options),
    }),
  ),
  images('the epoch is passed over', ['images/a-source-date-epoch-is-stamped-instead-of-now'], (own) => ({
    create: (image, { sourceDateEpoch: _, ...options } = {}) => own.create(image, options),
  })),
  images(
    'an update makes it anew',
    ['images/an-update-keeps-when-it-was-made-and-tells-when-it-changed'],
    (own) => ({
      async update(...args) {
        const updated = await own.update(...args);
        return { ...updated, createdAt: updated.updatedAt };
      },
    }),
  ),
  images('signals are not looked at', ['images/a-call-given-up-before-it-began-does-nothing'], (own) => ({
    get: (name) => own.get(name),
  })),
  containers(
    'a snapshot key may be spelled as in protobuf',
    ['containers/the-mask-of-a-snapshot-key-is-in-lower-case'],
    (own) => ({
      update: (change, paths = [], options) =>
        own.update(
          change,
          paths.map((path) => (path === 'snapshot_key' ? 'snapshotkey' : path)),
          options,
        ),
    }),
  ),
  containers(
    'snapshotter and runtime are quietly kept',
    ['containers/without-a-mask-snapshotter-and-runtime-must-be-the-same'],
    (own) => ({
      async update(change, paths = [], options) {
        const { snapshotter, runtime } = await own.get(change.id, options);
        return own.update({ ...change, snapshotter, runtime }, paths, options);
      },
    }),
  ),
  containers(
    'ids are cut at 76 characters',
    ['containers/an-id-of-76-characters-passes-of-77-does-not'],
    (own) => ({
      create: (container, options) => own.create({ ...container, id: container.id.slice(0, 75) }, options),
    }),
  ),
  sandboxes('the sandboxer changes', ['sandboxes/a-mask-changes-what-it-names-and-no-more'], (own) => ({
    async update(change, paths, options) {
      return { ...(await own.update(change, paths, options)), sandboxer: change.sandboxer };
    },
  })),
  sandboxes('extensions are merged', ['sandboxes/an-extension-is-deleted-by-a-missing-value'], (own) => ({
    async update(change, paths = [], options) {
      const { extensions } = await own.get(change.id, options);
      return own.update({ ...change, extensions: { ...extensions, ...change.extensions } }, paths, options);
    },
  })),
  leases('a resource must be a digest', ['leases/hold-what-need-not-exist'], (own) => ({
    async addResource(id, resource, options) {
      if (!resource.id.startsWith('sha256:')) throw new Fault('not_found', resource.id);
      await own.addResource(id, resource, options);
    },
  })),
  leases(
    'resources of no lease are none',
    ['leases/of-one-that-is-not-there-no-resource-is-looked-at'],
    (own) => ({
      async *resources(...args) {
        try {
          yield* own.resources(...args);
        } catch (e) {
          if (!Fault.is(e, 'not_found')) throw e;
        }
      },
    }),
  ),
  leases('every type can be leased', ['leases/a-type-that-can-not-be-leased-is-unimplemented'], (own) => ({
    async addResource(...args) {
      await own.addResource(...args).catch((e: unknown) => {
        if (!Fault.is(e, 'unimplemented')) throw e;
      });
    },
  })),
  namespaces(
    'get of an unknown one is not found',
    ['namespaces/that-nobody-made-have-no-labels-and-are-not-listed'],
    (own) => ({
      async get(name, options) {
        for await (const one of own.list(options)) if (one.name === name) return one;
        throw new Fault('not_found', name);
      },
    }),
  ),
  {
    name: 'a namespace is deleted with all that is in it',
    caughtBy: ['namespaces/with-images-are-not-deleted'],
    breakIt: (services) => ({
      ...services,
      namespaces: {
        ...services.namespaces,
        async delete(namespace, options) {
          const { images: all } = services.scope({ namespace });
          for await (const { name } of all.list()) await all.delete(name, options);
          await services.namespaces.delete(namespace, options);
        },
      },
    }),
  },
  {
    name: 'events lose their labels',
    caughtBy: ['events/of-images'],
    breakIt: (services) => ({
      ...services,
      events: {
        async *subscribe(...args) {
          for await (const envelope of services.events.subscribe(...args))
            yield envelope.topic === '/images/update'
              ? { ...envelope, event: { ...envelope.event, value: new Uint8Array() } }
              : envelope;
        },
      },
    }),
  },
  {
    name: 'some events are told twice',
    caughtBy: ['events/of-containers'],
    breakIt: (services) => ({
      ...services,
      events: {
        async *subscribe(...args) {
          for await (const envelope of services.events.subscribe(...args)) {
            yield envelope;
            if (envelope.topic === '/containers/update') yield envelope;
          }
        },
      },
    }),
  },
];
