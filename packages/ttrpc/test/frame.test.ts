import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeFrame, FRAME, type Frame, FrameReader, MAX_MESSAGE_BYTES } from '../src/frame.ts';

test('frames come out as they went in, however the bytes are cut', () => {
  const frame = fc.record({
    streamId: fc.nat({ max: 0xffffffff }),
    type: fc.nat({ max: 255 }),
    flags: fc.nat({ max: 255 }),
    data: fc.uint8Array({ maxLength: 40 }),
  });
  fc.assert(
    fc.property(fc.array(frame), fc.infiniteStream(fc.integer({ min: 1, max: 60 })), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map((f) => encodeFrame(f.streamId, f.type, f.flags, f.data)));
      const reader = new FrameReader();
      const seen: Frame[] = [];
      for (let at = 0; at < bytes.length; ) {
        const cut = cuts.next().value as number;
        seen.push(...reader.push(bytes.subarray(at, at + cut)));
        at += cut;
      }
      expect(seen.map((f) => ({ ...f, data: new Uint8Array(f.data ?? []) }))).toEqual(frames);
    }),
  );
});

test('a message of the greatest length passes, a longer one is passed over, and the next is read', () => {
  const reader = new FrameReader();
  const one = (length: number, id: number) => encodeFrame(id, FRAME.request, 0, Buffer.alloc(length));
  const bytes = Buffer.concat([one(MAX_MESSAGE_BYTES, 1), one(MAX_MESSAGE_BYTES + 1, 3), one(0, 5)]);
  const seen = [];
  for (let at = 0; at < bytes.length; at += 65_536)
    seen.push(...reader.push(bytes.subarray(at, at + 65_536)));
  expect(seen.map((f) => [f.streamId, f.data?.length])).toEqual([
    [1, MAX_MESSAGE_BYTES],
    [3, undefined],
    [5, 0],
  ]);
});

test('a length with its reserved byte set is no frame', () => {
  const reader = new FrameReader();
  expect(() => [...reader.push(Buffer.from('GET / HTTP/1.1\r\n'))]).toThrow('no ttrpc');
});
