import { randomUUID } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RuntimeInfoSchema, RuntimeRequestSchema } from '@stowage/api/types';
import {
  compileFilters,
  Fault,
  type PluginStatus,
  quote,
  type TypedBytes,
  unlessAbsent,
} from '@stowage/core';
import { replaceFile } from '@stowage/core/durable';
import { anyOf, packMessage, unpackMessage } from '@stowage/rpc';
import type { Runtime } from '@stowage/runtime';
import type { Introspection, ServerInfo } from './introspection.ts';

export interface LocalIntrospectionOptions {
  /** Where the server's id is kept. */
  readonly root: string;
  readonly plugins: () => readonly PluginStatus[];
  /** Asked about themselves by `pluginInfo` of `io.containerd.runtime.v2.task`. */
  readonly runtimes: readonly Runtime[];
}

const DEFAULT_RUNTIME = 'io.containerd.runc.v2';

/** Introspection of the daemon that this process is. */
export function localIntrospection({ root, plugins, runtimes }: LocalIntrospectionOptions): Introspection {
  let server: Promise<ServerInfo> | undefined;
  return {
    async plugins(filters = []) {
      const matches = compileFilters(filters);
      return plugins().filter(({ type, id }) => {
        const fields: Readonly<Record<string, string>> = { type, id };
        return matches((path) => (path.length === 1 ? fields[path[0] ?? ''] : undefined));
      });
    },
    server() {
      server ??= describeServer(root);
      return server;
    },
    async pluginInfo({ type, id, options: about }, options) {
      const plugin = plugins().find((p) => p.type === type && p.id === id);
      if (plugin === undefined) throw new Fault('not_found', `plugin ${quote(`${type}.${id}`)} not found`);
      if (plugin.state !== 'ok') {
        throw new Fault(
          'failed_precondition',
          `plugin ${type}.${id} is ${plugin.state}: ${plugin.error?.message}`,
        );
      }
      if (about === undefined) return { plugin };
      if (type !== 'io.containerd.runtime.v2' || id !== 'task') {
        throw new Fault('unimplemented', `plugin ${type}.${id} has no more to say about itself`);
      }
      return { plugin, extra: await runtimeInfo(runtimes, about, options?.signal) };
    },
  };
}

async function runtimeInfo(
  runtimes: readonly Runtime[],
  about: TypedBytes,
  signal: AbortSignal | undefined,
): Promise<TypedBytes> {
  const { runtimePath, options } = unpackMessage(RuntimeRequestSchema, about);
  const runtimeName = runtimePath || DEFAULT_RUNTIME;
  const runtime = runtimes.find((r) => r.serves(runtimeName));
  if (runtime === undefined) throw new Fault('not_found', `no runtime here serves ${quote(runtimeName)}`);
  const info = await runtime.info({ runtimeName, options }, { signal });
  const { name, version, revision, annotations, features } = info;
  return packMessage(RuntimeInfoSchema, {
    name,
    version: { version, revision },
    annotations: { ...annotations },
    ...(features && { features: anyOf(features) }),
  });
}

async function describeServer(root: string): Promise<ServerInfo> {
  const namespace = await unlessAbsent(stat('/proc/self/ns/pid', { bigint: true }));
  return {
    uuid: await uuidOf(root),
    pid: BigInt(process.pid),
    pidNamespace: namespace?.ino ?? 0n,
    deprecations: [],
  };
}

async function uuidOf(root: string): Promise<string> {
  const path = join(root, 'uuid');
  const kept = (await unlessAbsent(readFile(path, 'utf8')))?.trim() ?? '';
  if (kept !== '') return kept;
  const uuid = randomUUID();
  await mkdir(root, { recursive: true, mode: 0o700 });
  await replaceFile(path, `${uuid}\n`);
  return uuid;
}
