import { expect, test } from '@jest/globals';
import { digestOf } from '@stowage/core';
import { normalizeReference, parseReference } from '../src/index.ts';

const digest = digestOf('x');

test.each([
  ['docker.io/library/busybox:latest', 'docker.io', 'library/busybox', 'latest', undefined],
  ['docker.io/library/busybox', 'docker.io', 'library/busybox', undefined, undefined],
  [`localhost:5000/x@${digest}`, 'localhost:5000', 'x', undefined, digest],
  [`localhost/x:1@${digest}`, 'localhost', 'x', '1', digest],
  ['127.0.0.1:5000/a/b-c/d__e.f:V1_x-y.z', '127.0.0.1:5000', 'a/b-c/d__e.f', 'V1_x-y.z', undefined],
  ['[::1]:5000/x:1', '[::1]:5000', 'x', '1', undefined],
  ['[2001:db8::1]/x:1', '[2001:db8::1]', 'x', '1', undefined],
  ['REGISTRY.example.COM/x', 'REGISTRY.example.COM', 'x', undefined, undefined],
  ['a-b.example:65535/x', 'a-b.example:65535', 'x', undefined, undefined],
])('%s', (name, host, repository, tag, hash) => {
  const reference = parseReference(name);
  expect(reference).toEqual({
    name,
    host,
    repository,
    ...(tag !== undefined && { tag }),
    ...(hash !== undefined && { digest: hash }),
  });
});

test.each([
  '',
  'busybox',
  'busybox:latest',
  'library/busybox',
  'registry/busybox:latest',
  'docker.io',
  'docker.io/',
  '/x',
  'docker.io//x',
  'docker.io/x/',
  'docker.io/X',
  'docker.io/x:',
  'docker.io/x:-tag',
  `docker.io/x:${'a'.repeat(129)}`,
  'docker.io/x:a:b',
  'docker.io/x:a/b',
  'docker.io/x@',
  'docker.io/x@sha256:abc',
  'docker.io/x@md5:d41d8cd98f00b204e9800998ecf8427e',
  `docker.io/x@${digest}@${digest}`,
  `docker.io/x@${digest.toUpperCase()}`,
  'https://docker.io/x',
  'user:secret@docker.io/x',
  'docker.io:0/x',
  'docker.io:70000/x',
  'docker.io:/x',
  'docker.io/../x',
  'docker.io/./x',
  'docker.io/a..b',
  'docker.io/a?b',
  'docker.io/a#b',
  'docker.io/a%2fb',
  'docker.io/a\\b',
  'docker.io/a b',
  'docker.io/a\nb',
  'docker.io/a\0b',
  'docker.io\n/x',
  '-a.example/x',
  'a-.example/x',
  'a..example/x',
  '[::1/x',
  '[zz::1]/x',
  '[]:5000/x',
  'dоcker.io/x',
  `docker.io/${'a'.repeat(300)}`,
  '__proto__',
])('%j is no full name', (name) => {
  expect(() => parseReference(name)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});

test.each([
  ['busybox', 'docker.io/library/busybox:latest'],
  ['busybox:1', 'docker.io/library/busybox:1'],
  [`busybox@${digest}`, `docker.io/library/busybox@${digest}`],
  [`busybox:1@${digest}`, `docker.io/library/busybox:1@${digest}`],
  ['someone/thing', 'docker.io/someone/thing:latest'],
  ['docker.io/busybox', 'docker.io/library/busybox:latest'],
  ['docker.io/someone/thing:2', 'docker.io/someone/thing:2'],
  ['index.docker.io/busybox', 'docker.io/library/busybox:latest'],
  ['localhost/x', 'localhost/x:latest'],
  ['localhost:5000/x', 'localhost:5000/x:latest'],
  ['ghcr.io/a/b', 'ghcr.io/a/b:latest'],
  ['[::1]:5000/x', '[::1]:5000/x:latest'],
])('people mean by %s %s', (text, name) => {
  expect(normalizeReference(text)).toBe(name);
});

test.each(['', ' ', 'Busybox', 'a b', '../x', 'https://x', 'x:', 'x@y'])('%j means nothing', (text) => {
  expect(() => normalizeReference(text)).toThrow(expect.objectContaining({ kind: 'invalid_argument' }));
});
