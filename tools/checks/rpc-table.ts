// Makes the README's table of RPCs from the code: what each service end offers, against what the contract has.
// Compares with the README, or with --write puts it there.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { services } from '@stowage/api/registry';
import { containerRoutes } from '@stowage/containers/service';
import { contentRoutes } from '@stowage/content/service';
import { diffRoutes } from '@stowage/diff/service';
import { eventsRoutes, eventsTtrpcRoutes } from '@stowage/events/service';
import { imageRoutes } from '@stowage/images/service';
import { introspectionRoutes, versionRoutes } from '@stowage/introspection/service';
import { leaseRoutes } from '@stowage/leases/service';
import { mountRoutes } from '@stowage/mounts/service';
import { namespaceRoutes } from '@stowage/namespaces/service';
import type { Routes } from '@stowage/rpc';
import { healthRoutes } from '@stowage/rpc/health';
import { taskRoutes as runtimeTaskRoutes } from '@stowage/runtime/service';
import { sandboxControllerRoutes } from '@stowage/sandboxes/controller-service';
import { sandboxRoutes } from '@stowage/sandboxes/service';
import { snapshotRoutes } from '@stowage/snapshots/service';
import { streamingRoutes } from '@stowage/streaming/service';
import { taskRoutes } from '@stowage/tasks/service';
import { transferRoutes } from '@stowage/transfer/service';

const README = join(import.meta.dirname, '../../README.md');
const [START, END] = ['<!-- rpc table: start -->', '<!-- rpc table: end -->'];

/** Stands for whatever a service end would be given; only which methods there are is asked. */
const nothing = new Proxy(() => nothing, { get: () => nothing }) as never;

const ends: readonly Routes[] = [
  containerRoutes(nothing),
  contentRoutes(nothing),
  diffRoutes(nothing),
  eventsRoutes(nothing),
  eventsTtrpcRoutes(nothing),
  healthRoutes,
  imageRoutes(nothing),
  introspectionRoutes(nothing),
  leaseRoutes(nothing),
  mountRoutes(nothing),
  namespaceRoutes(nothing),
  runtimeTaskRoutes(nothing),
  sandboxControllerRoutes(nothing),
  sandboxRoutes(nothing),
  snapshotRoutes(nothing),
  streamingRoutes(nothing),
  taskRoutes(nothing),
  transferRoutes(nothing, nothing),
  versionRoutes(nothing),
];

function offered(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const recorder = {
    service(desc: DescService, impl: object) {
      const methods = desc.methods.filter((m) => m.localName in impl).map((m) => m.name);
      found.set(desc.typeName, new Set([...(found.get(desc.typeName) ?? []), ...methods]));
      return recorder;
    },
  };
  for (const end of ends) end(recorder as unknown as ConnectRouter);
  return found;
}

function table(): string {
  const found = offered();
  const rows = services
    .toSorted((a, b) => a.typeName.localeCompare(b.typeName))
    .map(({ typeName, methods }) => {
      const names = methods.map((m) => m.name);
      const works = names.filter((name) => found.get(typeName)?.has(name));
      const lacks = names.filter((name) => !works.includes(name));
      return `| ${typeName} | ${works.length} of ${names.length} | ${works.join(', ') || '–'} | ${lacks.join(', ') || '–'} |`;
    });
  return [
    '| service | works | RPCs that work | answers Unimplemented |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

const readme = await readFile(README, 'utf8');
const [before, rest] = readme.split(START);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined) throw new Error(`README.md lacks ${START} and ${END}`);
const wanted = `${before}${START}\n${table()}\n${END}${after}`;
if (process.argv.includes('--write')) {
  await writeFile(README, wanted);
} else if (wanted !== readme) {
  console.error('README.md: the table of RPCs is not what the code offers; run: npm run readme');
  process.exitCode = 1;
}
