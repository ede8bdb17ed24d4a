import type { Client } from '@stowage/client';
import { Fault, quote } from '@stowage/core';
import type { Image } from '@stowage/images';
import type { Command } from 'commander';
import { open } from '../connection.ts';
import { eachOf } from '../failure.ts';
import { imageNamed } from '../image-named.ts';

/** Removes as many as it can. @returns the exit code: not 0 if any is left. */
export async function removeImages(
  command: Command,
  texts: readonly string[],
  force: boolean,
): Promise<number> {
  await using client = open(command);
  return await eachOf(texts, async (text) => {
    const image = await imageNamed(client, text);
    if (!force) await expectUnused(client, image);
    await client.services.images.delete(image.name);
    process.stdout.write(`${image.name}\n`);
  });
}

/** As docker has it: the last name of an image that containers were made from stays. */
async function expectUnused({ services }: Client, { name, target }: Image): Promise<void> {
  for await (const other of services.images.list([`target.digest==${quote(target.digest)}`]))
    if (other.name !== name) return;
  for await (const { id } of services.containers.list([`image==${quote(name)}`])) {
    const reason = `container ${id} was made from it; remove that first, or use --force`;
    throw new Fault('failed_precondition', `remove ${name}: ${reason}`);
  }
}
