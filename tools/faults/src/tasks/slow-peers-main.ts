// node slow-peers-main.ts ADDRESS NAMESPACE DIGEST COUNT: so many subscribers and as many readers of a blob, each with a
// connection of its own. Prints "open" when all have begun, and in the end a line of JSON. It is there to be stopped.
import { connect } from '@stowage/client';
import { type Digest, Fault } from '@stowage/core';

const [address = '', namespace = '', digest = '', count = '1'] = process.argv.slice(2);
const open: Array<Promise<unknown>> = [];
const peers = Array.from({ length: Number(count) }, () => connect(address, { namespace }));

/** How each ended: cut off, or told the last of the events; and how many bytes each reader got. */
const subscribers = peers.map(async ({ services }) => {
  const begun = Promise.withResolvers<void>();
  open.push(begun.promise);
  // A subscription has begun when it tells something.
  const hello = { typeUrl: 'example.org/hello', value: new Uint8Array() };
  const calling = setInterval(() => services.events.publish(namespace, '/flood/hello', hello), 50);
  let events = 0;
  try {
    for await (const { topic } of services.events.subscribe(['topic~="^/flood"'])) {
      clearInterval(calling);
      begun.resolve();
      if (topic === '/flood/one') events += 1;
      if (topic === '/flood/last') return { events, end: 'last' };
    }
    return { events, end: 'ended' };
  } catch (e) {
    return { events, end: Fault.is(e) ? e.kind : String(e) };
  }
});
const readers = peers.map(async ({ services }) => {
  const begun = Promise.withResolvers<void>();
  open.push(begun.promise);
  let bytes = 0;
  for await (const chunk of services.content.read(digest as Digest)) {
    bytes += chunk.length;
    begun.resolve();
    // Not done before it is stopped.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return bytes;
});

await Promise.all(open);
console.log('open');
console.log(
  JSON.stringify({ subscribers: await Promise.all(subscribers), bytes: await Promise.all(readers) }),
);
for (const peer of peers) await peer[Symbol.asyncDispose]();
