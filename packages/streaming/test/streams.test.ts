import { describe, expect, test } from '@jest/globals';
import { Fault, type TypedBytes } from '@stowage/core';
import { until, ways } from './ways.ts';

const scope = { namespace: 'n' };
const say = (text: string): TypedBytes => ({ typeUrl: 'test.Text', value: Buffer.from(text) });
const text = (message: TypedBytes | undefined) => message && Buffer.from(message.value).toString();

describe.each(ways)('streams %s', (_, reach) => {
  test('messages go both ways, in order, with their types', async () => {
    await using at = await reach();
    await using here = await at.streams(scope).open('s');
    await using there = at.manager(scope).take('s');
    for (const word of ['a', 'b', 'c']) await here.send(say(word));
    await there.send(say('back'));
    expect(await there.receive()).toMatchObject({ typeUrl: 'test.Text' });
    expect(text(await there.receive())).toBe('b');
    expect(text(await here.receive())).toBe('back');
    expect(text(await there.receive())).toBe('c');
  });

  test('an id is taken while its stream is open, in its namespace only', async () => {
    await using at = await reach();
    const first = await at.streams(scope).open('s');
    await expect(at.streams(scope).open('s')).rejects.toMatchObject({
      kind: 'already_exists',
      message: expect.stringContaining('"s"'),
    });
    await using _other = await at.streams({ namespace: 'm' }).open('s');
    await first[Symbol.asyncDispose]();
    await until('the id to be free', () => at.manager.count() === 1);
    await using _again = await at.streams(scope).open('s');
  });

  test('one user at a time, and only of what is open', async () => {
    await using at = await reach();
    expect(() => at.manager(scope).take('s')).toThrow(expect.objectContaining({ kind: 'not_found' }));
    await using _here = await at.streams(scope).open('s');
    at.manager(scope).take('s');
    expect(() => at.manager(scope).take('s')).toThrow(
      expect.objectContaining({ kind: 'failed_precondition' }),
    );
  });

  test('who closes can still be told something', async () => {
    await using at = await reach();
    await using here = await at.streams(scope).open('s');
    await using there = at.manager(scope).take('s');
    await here.send(say('question'));
    const closing = here.close();
    expect(text(await there.receive())).toBe('question');
    await closing;
    expect(await there.receive()).toBeUndefined();
    await there.send(say('answer'));
    expect(text(await here.receive())).toBe('answer');
    await expect(here.send(say('late'))).rejects.toMatchObject({ kind: 'failed_precondition' });
  });

  test('the daemon’s end closes the whole stream, after what it has sent', async () => {
    await using at = await reach();
    await using here = await at.streams(scope).open('s');
    await using there = at.manager(scope).take('s');
    await there.send(say('last'));
    const closing = there.close();
    expect(text(await here.receive())).toBe('last');
    await closing;
    expect(await here.receive()).toBeUndefined();
  });

  test('a client that leaves is no end of what it sends', async () => {
    await using at = await reach();
    const here = await at.streams(scope).open('s');
    await using there = at.manager(scope).take('s');
    const receiving = expect(there.receive()).rejects.toMatchObject({ kind: 'canceled' });
    await here[Symbol.asyncDispose]();
    await receiving;
    await expect(there.send(say('x'))).rejects.toMatchObject({ kind: 'canceled' });
    await until('it to be forgotten', () => at.manager.count() === 0);
  });

  test('what the daemon aborts with is told to the client', async () => {
    await using at = await reach();
    await using here = await at.streams(scope).open('s');
    await using there = at.manager(scope).take('s');
    there.abort(new Fault('resource_exhausted', 'read x: too much'));
    const told = { kind: 'resource_exhausted', message: 'read x: too much' };
    await expect(here.receive()).rejects.toMatchObject(told);
    await expect(here.send(say('x'))).rejects.toMatchObject(told);
    expect(at.manager.count()).toBe(0);
  });

  test('a sender waits for a reader that is behind', async () => {
    await using at = await reach();
    await using here = await at.streams(scope).open('s');
    await using there = at.manager(scope).take('s');
    const piece = { typeUrl: 'test.Bytes', value: new Uint8Array(1024 * 1024) };
    let sent = 0;
    const stop = new AbortController();
    const sending = (async () => {
      for (; sent < 200; sent++) await here.send(piece, { signal: stop.signal });
    })();
    const gaveUp = expect(sending).rejects.toBe('enough');
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Some rest in queues and in the windows of HTTP/2.
    expect(sent).toBeLessThan(40);
    const before = sent;
    for (let i = 0; i < before; i++) await there.receive();
    await until('more to be sent', () => sent > before);
    stop.abort('enough');
    await gaveUp;
  });

  test('giving up a receive loses no message', async () => {
    await using at = await reach();
    await using here = await at.streams(scope).open('s');
    await using there = at.manager(scope).take('s');
    const stop = new AbortController();
    const receiving = here.receive({ signal: stop.signal });
    stop.abort('enough');
    await expect(receiving).rejects.toBe('enough');
    await there.send(say('a'));
    expect(text(await here.receive())).toBe('a');
  });

  test('without a namespace, or with an id that is none, nothing is opened', async () => {
    await using at = await reach();
    const open = async (namespace: string, id: string) => at.streams({ namespace }).open(id);
    await expect(open('', 's')).rejects.toMatchObject({ kind: 'failed_precondition' });
    await expect(open('n', '')).rejects.toMatchObject({ kind: 'invalid_argument' });
    await expect(open('n', 'x'.repeat(1025))).rejects.toMatchObject({ kind: 'invalid_argument' });
    expect(at.manager.count()).toBe(0);
  });
});
