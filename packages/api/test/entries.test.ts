import { readdirSync, readFileSync } from 'node:fs';
import type { DescFile } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { beforeAll, expect, test } from '@jest/globals';
import { files, registry, services } from '../src/registry.ts';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const subpaths = Object.keys(manifest.exports).filter((key) => key !== './package.json');
const entries = new Map<string, Record<string, unknown>>();

beforeAll(async () => {
  for (const key of subpaths) entries.set(key, await import(`@stowage/api/${key.slice(2)}`));
});

function below(directory: string, suffix: string): string[] {
  return readdirSync(new URL(directory, import.meta.url), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith(suffix))
    .map((path) => path.slice(0, -suffix.length))
    .sort();
}

const isFile = (value: unknown): value is DescFile => (value as Partial<DescFile> | null)?.kind === 'file';

test('every proto file is generated and in the registry', () => {
  const names = files.map((file) => file.name).sort();
  expect(below('../proto', '.proto')).toEqual(names);
  expect(below('../src/gen', '_pb.ts')).toEqual(names);
});

test('every proto file is exported under some subpath', () => {
  const exported = new Set([...entries].flatMap(([, entry]) => Object.values(entry).filter(isFile)));
  expect(files.filter((file) => !exported.has(file)).map((file) => file.name)).toEqual([]);
});

test('subpaths are in order and each names its source and its build', () => {
  expect(subpaths).toEqual([...subpaths].sort());
  for (const key of subpaths) {
    expect(manifest.exports[key]).toEqual({
      'stowage-source': `./src/${key.slice(2)}.ts`,
      types: `./dist/${key.slice(2)}.d.ts`,
      default: `./dist/${key.slice(2)}.js`,
    });
  }
});

test('image events are found under both their package and the events', () => {
  const [events, images] = [entries.get('./events'), entries.get('./images/v1')];
  for (const name of ['ImageCreateSchema', 'ImageUpdateSchema', 'ImageDeleteSchema']) {
    expect(events?.[name]).toBeDefined();
    expect(events?.[name]).toBe(images?.[name]);
  }
});

test('services lists what a daemon and a shim serve', () => {
  expect(services.map((service) => service.typeName).sort()).toEqual([
    'containerd.runtime.sandbox.v1.Sandbox',
    'containerd.services.containers.v1.Containers',
    'containerd.services.content.v1.Content',
    'containerd.services.diff.v1.Diff',
    'containerd.services.events.ttrpc.v1.Events',
    'containerd.services.events.v1.Events',
    'containerd.services.images.v1.Images',
    'containerd.services.introspection.v1.Introspection',
    'containerd.services.leases.v1.Leases',
    'containerd.services.mounts.v1.Mounts',
    'containerd.services.namespaces.v1.Namespaces',
    'containerd.services.sandbox.v1.Controller',
    'containerd.services.sandbox.v1.Store',
    'containerd.services.snapshots.v1.Snapshots',
    'containerd.services.streaming.v1.Streaming',
    'containerd.services.tasks.v1.Tasks',
    'containerd.services.transfer.v1.Transfer',
    'containerd.services.version.v1.Version',
    'containerd.task.v2.Task',
    'containerd.task.v3.Task',
    'grpc.health.v1.Health',
  ]);
});

test('the registry knows every type of the tree, and the well-known ones used in it', () => {
  for (const service of services) expect(registry.getService(service.typeName)).toBe(service);
  for (const message of files.flatMap((file) => file.messages)) {
    expect(registry.getMessage(message.typeName)).toBe(message);
  }
  expect(registry.getMessage('containerd.events.ContainerCreate.Runtime')).toBeDefined();
  expect(registry.getMessage('google.protobuf.Empty')).toBe(EmptySchema);
});
