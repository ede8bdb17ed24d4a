import type { Client } from '@stowage/client';
import { Fault, quote, type TypedBytes, unlessGone } from '@stowage/core';
import type { Image } from '@stowage/images';
import type { Command } from 'commander';
import type { InspectFlags } from '../commands/inspect.ts';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { handleOf, imageNamed } from '../image-named.ts';
import { jsonText } from '../json.ts';
import { formatOf, list } from '../listing.ts';

/** Prints those that there are. @returns the exit code: 1 if any is missing. */
export async function inspect(
  command: Command,
  names: readonly string[],
  flags: InspectFlags,
): Promise<number> {
  const format = formatOf(flags);
  await using client = open(command);
  const found: object[] = [];
  const exitCode = await eachOf(names, async (name) => {
    found.push(await one(client, name, flags));
  });
  if (format.how === 'table') process.stdout.write(jsonText(found));
  else await list(found, { fields: [], json: (one: object) => one }, format);
  return exitCode;
}

async function one(client: Client, name: string, { type, platform }: InspectFlags): Promise<object> {
  if (type === 'container') return await ofContainer(client, name);
  if (type === 'image') return await ofImage(client, await imageNamed(client, name), platform);
  // What is no id of a container may be the name of an image.
  if (/^[\w.-]+$/.test(name)) {
    const container = await unlessGone(ofContainer(client, name));
    if (container !== undefined) return container;
  }
  const image = await unlessGone(imageNamed(client, name));
  if (image === undefined)
    throw new Fault('not_found', `inspect ${quote(name)}: no container or image has this name`);
  return await ofImage(client, image, platform);
}

async function ofContainer({ services }: Client, id: string): Promise<object> {
  const { spec, runtime, extensions, ...container } = await services.containers.get(id);
  const task = await unlessGone(services.tasks.get({ containerId: id }));
  return {
    type: 'container',
    ...container,
    runtime: runtime.name,
    extensions: Object.keys(extensions),
    task:
      task === undefined ? undefined : { pid: task.pid, status: task.status, exitStatus: task.exitStatus },
    spec: spec === undefined ? undefined : specOf(spec),
  };
}

/** Specs are JSON, whoever made them; what is not is left to those who know it. */
function specOf({ typeUrl, value }: TypedBytes): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString());
  } catch {
    return { typeUrl, bytes: value.byteLength };
  }
}

async function ofImage(client: Client, found: Image, platform: string | undefined): Promise<object> {
  const { name, target, labels, createdAt, updatedAt } = found;
  const image = handleOf(client, found, platform);
  const { config, layers } = await image.manifest();
  const { diffIds, history: _, ...about } = await image.config();
  return {
    type: 'image',
    name,
    target,
    labels,
    createdAt,
    updatedAt,
    size: await image.size(),
    configDescriptor: config,
    ...about,
    layers: layers.map((layer, i) => ({ ...layer, diffId: diffIds[i] })),
  };
}
