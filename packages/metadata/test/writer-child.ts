import { setTimeout as pause } from 'node:timers/promises';
import { digestOf, Fault } from '@stowage/core';
import { Metadata } from '@stowage/metadata';

// Makes images until it is killed, and says the name of each that was acknowledged, and of each failure its kind.
const [root = '', round = '', writers = '4', labelBytes = '0'] = process.argv.slice(2);
const metadata = await Metadata.open(root);
const { images } = metadata.scope({ namespace: 'default' });
const target = { mediaType: 'm', digest: digestOf('x'), size: 1n };
const labels = labelBytes === '0' ? {} : { l: 'x'.repeat(Number(labelBytes)) };

async function make(_: unknown, writer: number): Promise<never> {
  for (let i = 0; ; i += 1) {
    const name = `${round}-${writer}-${i}`;
    try {
      await images.create({ name, target, labels });
      process.stdout.write(`${name}\n`);
    } catch (e) {
      if (!Fault.is(e)) throw e;
      process.stdout.write(`! ${e.kind}\n`);
      await pause(20);
    }
  }
}
await Promise.all(Array.from({ length: Number(writers) }, make));
