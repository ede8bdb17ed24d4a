import { ImageCreateSchema, ImageDeleteSchema, ImageUpdateSchema } from '@stowage/api/events';
import { ImageSchema } from '@stowage/api/images/v1';
import {
  Fault,
  type FieldAdaptor,
  LABEL,
  labelsField,
  maskedLabels,
  parseDigest,
  quote,
  type Scope,
  splitMaskPath,
  unknownMaskPath,
  validateLabels,
} from '@stowage/core';
import type { Image, ImageChange, ImageStore, NewImage } from '@stowage/images';
import { imageFromWire, imageToWire } from '@stowage/images/convert';
import { objectKey } from './database/keys.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Transaction } from './ledger/transaction.ts';
import { recordTable } from './record-table.ts';
import { ensureNamespace, hold, letGo, lookedAt, makingLocks } from './scope.ts';

const IMAGES = {
  table: 'images',
  noun: 'image',
  schema: ImageSchema,
  fromWire: imageFromWire,
  fieldsOf,
} as const;

/** The images of one scope. `collect` runs a whole garbage collection. */
export function imageStore(ledger: Ledger, scope: Scope, collect: () => Promise<void>): ImageStore {
  const { namespace } = scope;
  const table = recordTable(ledger, namespace, IMAGES);

  return {
    async get(name, options) {
      lookedAt(ledger, scope, table.keyOf(name));
      return table.get(name, options);
    },

    list: table.list,

    async create({ name, target, labels }, { signal, sourceDateEpoch } = {}) {
      const createdAt = sourceDateEpoch ?? ledger.now();
      const image = checked({ name, target, labels, createdAt, updatedAt: createdAt });
      const key = table.keyOf(name);
      return ledger.mutate(
        makingLocks(scope, [key]),
        async (tx) => {
          ledger.touch([key]);
          await table.mustNotExist(tx, name);
          await ensureNamespace(tx, namespace);
          await put(tx, scope, key, image);
          tx.emit(namespace, '/images/create', ImageCreateSchema, { name, labels: { ...labels } });
          return image;
        },
        { signal },
      );
    },

    async update(change, paths = [], { signal, sourceDateEpoch } = {}) {
      const { name } = change;
      const key = table.keyOf(named(name));
      return ledger.mutate(
        makingLocks(scope, [key]),
        async (tx) => {
          const current = await table.current(tx, name);
          const next = paths.length === 0 ? replaced(current, change) : masked(current, change, paths);
          const image = checked({ ...next, updatedAt: sourceDateEpoch ?? ledger.now() });
          await put(tx, scope, key, image);
          tx.emit(namespace, '/images/update', ImageUpdateSchema, { name, labels: { ...image.labels } });
          return image;
        },
        { signal },
      );
    },

    async delete(name, { signal, sync = false, target } = {}) {
      const key = table.keyOf(name);
      await ledger.mutate(
        { exclusive: [key] },
        async (tx) => {
          const { digest } = (await table.current(tx, name)).target;
          if (target !== undefined && target.digest !== digest)
            throw new Fault(
              'not_found',
              `image ${quote(name)}: it points to ${digest}, not ${target.digest}`,
            );
          dropImage(tx, scope, name);
        },
        { signal },
      );
      if (sync) await collect();
    },
  };
}

/** Deletes the record of an image and tells so. Its key must be locked. */
export function dropImage(tx: Transaction, scope: Scope, name: string): void {
  tx.delete(objectKey(scope.namespace, 'images', name));
  letGo(tx, scope, 'images', name);
  tx.emit(scope.namespace, '/images/delete', ImageDeleteSchema, { name });
  tx.removed();
}

/** An image that expires would go at once without a lease; others hold themselves. */
async function put(tx: Transaction, scope: Scope, key: string, image: Image): Promise<void> {
  if (Object.hasOwn(image.labels, LABEL.gcExpire)) await hold(tx, scope, 'images', image.name);
  tx.put(ImageSchema, key, imageToWire(image));
}

function replaced(current: Image, { target, labels = {} }: ImageChange): Image {
  return { ...current, labels, target: { ...nothing, ...target } };
}

function masked(current: Image, change: ImageChange, paths: readonly string[]): Image {
  const { labels = {}, target = {} } = change;
  let next = current;
  for (const path of paths) {
    const { field, key } = splitMaskPath(path);
    if (field === 'labels') next = { ...next, labels: maskedLabels(next.labels, labels, key) };
    else if (path === 'target') next = { ...next, target: { ...nothing, ...target } };
    else if (field === 'annotations') {
      const annotations = maskedLabels(next.target.annotations ?? {}, target.annotations ?? {}, key);
      next = { ...next, target: { ...next.target, annotations } };
    } else throw unknownMaskPath(path, `image ${quote(current.name)}`);
  }
  return next;
}

const nothing = { mediaType: '', digest: '' as NewImage['target']['digest'], size: 0n };

function checked(image: Image): Image {
  const { name, target, labels } = image;
  const at = `image ${quote(named(name))}`;
  parseDigest(target.digest);
  if (target.size <= 0n) throw new Fault('invalid_argument', `${at}: target size must be above 0`);
  if (target.mediaType === '')
    throw new Fault('invalid_argument', `${at}: target media type must not be empty`);
  validateLabels(labels);
  return imageFromWire(imageToWire(image));
}

function named(name: string): string {
  if (name === '') throw new Fault('invalid_argument', 'image name must not be empty');
  return name;
}

function fieldsOf({ name, target, labels }: Image): FieldAdaptor {
  return (path) => {
    switch (path[0]) {
      case 'name':
        return name;
      case 'target':
        if (path[1] === 'digest') return target.digest;
        return path[1] === 'mediatype' ? target.mediaType : undefined;
      case 'labels':
        return labelsField(labels, path);
      case 'annotations':
        return labelsField(target.annotations, path);
      default:
        return undefined;
    }
  };
}
