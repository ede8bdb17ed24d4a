import type { OnDisk } from './backends.ts';
import type { Finding } from './finding.ts';
import type { Records } from './records.ts';

/** What is nobody's, or will be ended or collected. None of it is an error. */
export function* leftovers(records: Records, { blobs, snapshots }: OnDisk): Generator<Finding> {
  const expected = new Map<string, Set<string>>();
  const expect = (kind: string, name: string) => {
    const names = expected.get(kind) ?? new Set();
    expected.set(kind, names.add(name));
  };
  for (const [key, intent] of records.intents) {
    if (intent.act === 'make-blob') expect('blob', intent.digest);
    if (intent.act === 'make-snapshot') expect(intent.snapshotter, intent.key);
    if (intent.act === 'commit-snapshot') expect(intent.snapshotter, intent.name);
    const text = `${intent.act} was begun and not ended`;
    yield {
      severity: 'note',
      code: 'unfinished',
      subject: key,
      text,
      remedy: 'the daemon ends or undoes it when it starts',
    };
  }
  for (const garbage of records.garbage.values()) {
    if (garbage.kind === 'blob') expect('blob', garbage.digest);
    if (garbage.kind === 'snapshot') expect(garbage.snapshotter, garbage.key);
  }
  if (records.garbage.size > 0)
    yield {
      severity: 'note',
      code: 'unfinished',
      subject: 'v1/!garbage',
      text: `${records.garbage.size} things wait to be deleted from backends`,
      remedy: 'garbage collection does it',
    };
  for (const { digest } of records.blobs.values()) expect('blob', digest);
  const unknownBlobs = [...blobs].filter((digest) => !expected.get('blob')?.has(digest));
  if (unknownBlobs.length > 0) yield unknown('blob-unknown', 'content', unknownBlobs);
  const absent = new Map<string, number>();
  for (const { snapshotter, backend } of records.snapshots.values()) {
    expect(snapshotter, backend);
    if (!snapshots.has(snapshotter)) absent.set(snapshotter, (absent.get(snapshotter) ?? 0) + 1);
  }
  for (const [snapshotter, count] of absent)
    yield {
      severity: 'note',
      code: 'snapshotter-absent',
      subject: snapshotter,
      text: `${count} snapshots of it are recorded, but it is not here to compare with`,
      remedy: '',
    };
  for (const [snapshotter, names] of snapshots) {
    const strange = [...names].filter((name) => !expected.get(snapshotter)?.has(name));
    if (strange.length > 0) yield unknown('snapshot-unknown', snapshotter, strange);
  }
}

function unknown(code: 'blob-unknown' | 'snapshot-unknown', subject: string, names: string[]): Finding {
  const text = `no record names ${names.length} of what it holds, such as ${names.slice(0, 3).join(', ')}`;
  return { severity: 'note', code, subject, text, remedy: '' };
}
