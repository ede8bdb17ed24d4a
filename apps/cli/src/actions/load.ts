import { createReadStream } from 'node:fs';
import { errnoOf, Fault, reasonOf } from '@stowage/core';
import type { Command } from 'commander';
import { open } from '../connection.ts';
import { interruptible } from '../interrupt.ts';

export async function load(command: Command, input: string | undefined): Promise<void> {
  if (input === undefined && process.stdin.isTTY)
    throw new Fault('invalid_argument', 'load: no archive comes from a terminal; use -i FILE, or a pipe');
  await using client = open(command);
  using interrupt = interruptible();
  const archive = input === undefined ? process.stdin : fileBytes(input);
  const images = await client.importImages(archive, { signal: interrupt.signal });
  if (images.length === 0)
    throw new Fault('invalid_argument', 'load: the archive has no image that has a name');
  for (const { name } of images) process.stdout.write(`${name}\n`);
}

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Uint8Array>;
  } catch (e) {
    if (errnoOf(e) === undefined) throw e;
    throw new Fault('unavailable', `load ${path}: ${reasonOf(e)}`, { cause: e });
  }
}
