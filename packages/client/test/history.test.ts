import { expect, test } from '@jest/globals';
import { digestOf } from '@stowage/core';
import { parseConfig, parseManifest } from '@stowage/oci-image';
import { historyOf } from '../src/history.ts';

const bytes = (value: object) => Buffer.from(JSON.stringify(value));
const layer = (word: string) => ({
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: digestOf(word),
  size: word.length,
});
const manifest = parseManifest(
  bytes({ config: { ...layer('config') }, layers: [layer('one'), layer('two'), layer('three')] }),
);
const [one, two, three] = manifest.layers;

test('steps that made no layer are told apart, and layers that nobody tells of are not lost', () => {
  const history = [
    { created_by: 'FROM scratch', empty_layer: true },
    { created_by: 'COPY one' },
    { created_by: 'ENV a=b', empty_layer: true },
    { created_by: 'RUN two', comment: 'a comment' },
  ];
  expect(historyOf(parseConfig(bytes({ history })), manifest)).toMatchObject([
    { createdBy: 'FROM scratch', isEmpty: true, layer: undefined },
    { createdBy: 'COPY one', isEmpty: false, layer: one },
    { createdBy: 'ENV a=b', isEmpty: true, layer: undefined },
    { createdBy: 'RUN two', comment: 'a comment', layer: two },
    { isEmpty: false, layer: three },
  ]);
});

test('more steps than layers have none', () => {
  const history = ['a', 'b', 'c', 'd'].map((created_by) => ({ created_by }));
  expect(historyOf(parseConfig(bytes({ history })), manifest).at(-1)).toMatchObject({ layer: undefined });
});
