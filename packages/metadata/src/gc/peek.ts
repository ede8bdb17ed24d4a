import type { DescMessage } from '@bufbuild/protobuf';
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { ContainerSchema } from '@stowage/api/containers/v1';
import { InfoSchema as BlobSchema, StatusSchema } from '@stowage/api/content/v1';
import { ImageSchema } from '@stowage/api/images/v1';
import { LeaseSchema } from '@stowage/api/leases/v1';
import { InfoSchema as SnapshotSchema } from '@stowage/api/snapshots/v1';
import { ActivationInfoSchema, DescriptorSchema, SandboxSchema } from '@stowage/api/types';
import type { Labels } from '@stowage/core';
import { type ObjectName, objectName } from '@stowage/gc';
import { dateOf } from '@stowage/rpc';
import type { ParsedKey } from '../database/keys.ts';

/** What garbage collection wants of a record. */
export interface Peeked {
  /** Only those that may mean something to it. */
  readonly labels: Labels;
  /** What a field of it names: an image's target, a container's snapshot, a snapshot's parent, what an ingest becomes. */
  readonly names: ObjectName | undefined;
  /** When an ingest that no lease holds was last opened. */
  readonly openedAt: Date | undefined;
}

/** Where in a message it stands. All of these fields have a length before them. */
interface Shape {
  readonly labels: number | undefined;
  readonly fields: readonly number[];
}

const PREFIX = Buffer.from('containerd.io/gc.');
const NONE: Labels = Object.freeze(Object.create(null));

const SHAPES: Readonly<Partial<Record<ParsedKey['table'], Shape>>> = {
  images: shape(ImageSchema, 'target'),
  containers: shape(ContainerSchema, 'snapshotter', 'snapshotKey'),
  sandboxes: shape(SandboxSchema),
  leases: shape(LeaseSchema),
  content: shape(BlobSchema),
  ingests: shape(StatusSchema, 'expected', 'updatedAt'),
  snapshots: shape(SnapshotSchema, 'parent'),
  mounts: shape(ActivationInfoSchema),
};
const TARGET: Shape = shape(DescriptorSchema, 'digest');

/**
 * Reads of a record only what garbage collection wants; to decode all of it would take several times as long. A spec or
 * an extension is passed over, whatever its size.
 *
 * @returns undefined for what is no record of an object.
 */
export function peek(parsed: ParsedKey, payload: Uint8Array): Peeked | undefined {
  const shape = SHAPES[parsed.table];
  if (shape === undefined) return undefined;
  const { labels, found } = scan(payload, shape);
  const [first, second] = found;
  const text = first === undefined ? '' : textOf(first);
  let names: ObjectName | undefined;
  let openedAt: Date | undefined;
  switch (parsed.table) {
    case 'images': {
      const [digest] = first === undefined ? [] : scan(first, TARGET).found;
      if (digest !== undefined) names = objectName('content', textOf(digest));
      break;
    }
    case 'containers': {
      const key = second === undefined ? '' : textOf(second);
      if (text !== '' && key !== '') names = objectName('snapshots', key, text);
      break;
    }
    case 'snapshots':
      if (text !== '') names = objectName('snapshots', text, parsed.snapshotter);
      break;
    case 'ingests':
      if (text !== '') names = objectName('content', text);
      openedAt = second && dateOf(fromBinary(TimestampSchema, second));
      break;
  }
  return { labels, names, openedAt };
}

function shape(schema: DescMessage, ...fields: string[]): Shape {
  const numberOf = (name: string): number => {
    const number = schema.field[name]?.number;
    if (number === undefined) throw new Error(`${schema.typeName} has no field ${name}`);
    return number;
  };
  return { labels: schema.field.labels?.number, fields: fields.map(numberOf) };
}

function scan(
  payload: Uint8Array,
  { labels: labelsAt, fields }: Shape,
): { labels: Labels; found: Array<Uint8Array | undefined> } {
  const reader = new BinaryReader(payload);
  const found: Array<Uint8Array | undefined> = [];
  let labels: Record<string, string> | undefined;
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const field = fields.indexOf(number);
    if (field >= 0) found[field] = reader.bytes();
    else if (number !== labelsAt) reader.skip(type, number);
    else {
      const [key, value] = entryOf(reader.bytes());
      if (value === '') continue;
      labels ??= Object.create(null) as Record<string, string>;
      labels[key] = value;
    }
  }
  return { labels: labels ?? NONE, found };
}

/** An entry of a map; of labels that mean nothing here, no more than is needed to see that. */
function entryOf(bytes: Uint8Array): readonly [key: string, value: string] {
  const reader = new BinaryReader(bytes);
  let key: Uint8Array | undefined;
  let value: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === 1) key = reader.bytes();
    else if (number === 2) value = reader.bytes();
    else reader.skip(type, number);
  }
  if (key === undefined || value === undefined || !isOfGc(key)) return ['', ''];
  return [textOf(key), textOf(value)];
}

function isOfGc(key: Uint8Array): boolean {
  if (key.length <= PREFIX.length) return false;
  // From behind, where labels of one vendor differ.
  for (let at = PREFIX.length - 1; at >= 0; at -= 1) if (key[at] !== PREFIX[at]) return false;
  return true;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
