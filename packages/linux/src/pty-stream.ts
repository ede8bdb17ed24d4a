import { Duplex } from 'node:stream';
import { ReadStream } from 'node:tty';
import { hasCode } from './errors.ts';

/** Both directions of a terminal, seen from its master. */
export type PtyStream = Duplex;

/**
 * A stream over a pty master. It reads and writes through the event loop, never through libuv's pool, and sets the
 * description nonblocking; the container has the slave, which is another description.
 *
 * The readable side ends when the last holder of the slave is gone (EIO). Ending the writable side sends nothing: a
 * terminal has no end of input but what its reader takes for one (^D).
 *
 * @param fd - Becomes the stream's, which closes it when it is destroyed or has ended. Give a `dup` to keep one.
 */
export function ptyStream(fd: number): PtyStream {
  const tty = new ReadStream(fd);
  let hungUp = false;
  const hangUp = () => {
    if (hungUp) return;
    hungUp = true;
    stream.push(null);
    tty.destroy();
  };
  const stream = new Duplex({
    read() {
      tty.resume();
    },
    write(chunk, encoding, callback) {
      if (hungUp) {
        callback();
        return;
      }
      tty.write(chunk, encoding, (e) => callback(isHangUp(e) ? null : e));
    },
    destroy(e, callback) {
      hungUp = true;
      tty.destroy();
      callback(e);
    },
  });
  tty.on('data', (chunk) => {
    if (!stream.push(chunk)) tty.pause();
  });
  tty.on('end', hangUp);
  tty.on('close', hangUp);
  tty.on('error', (e) => {
    if (isHangUp(e)) hangUp();
    else stream.destroy(e);
  });
  return stream;
}

/** What a master reports once nobody holds the slave. */
const isHangUp = (e: unknown): boolean => hasCode(e, 'EIO', 'EPIPE', 'ERR_STREAM_DESTROYED');
