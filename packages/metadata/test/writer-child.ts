import { digestOf } from '@stowage/core';
import { Metadata } from '@stowage/metadata';

// Makes images until it is killed, and says the name of each that was acknowledged.
const [root = '', round = ''] = process.argv.slice(2);
const metadata = await Metadata.open(root);
const { images } = metadata.scope({ namespace: 'default' });
const target = { mediaType: 'm', digest: digestOf('x'), size: 1n };

async function make(writer: number): Promise<never> {
  for (let i = 0; ; i += 1) {
    const name = `${round}-${writer}-${i}`;
    await images.create({ name, target, labels: {} });
    process.stdout.write(`${name}\n`);
  }
}
await Promise.all([0, 1, 2, 3].map(make));
