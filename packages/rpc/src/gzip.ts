import { promisify } from 'node:util';
import { gunzip, gzip as zip } from 'node:zlib';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Compression } from '@connectrpc/connect/protocol';
import { errnoOf } from '@stowage/core';

/** gzip, bounded by what comes out of it. */
export const gzip: Compression = {
  name: 'gzip',
  compress: async (bytes) => new Uint8Array(await promisify(zip)(bytes)),
  async decompress(bytes, maxBytes) {
    if (bytes.length === 0) return new Uint8Array(0);
    try {
      return new Uint8Array(await promisify(gunzip)(bytes, { maxOutputLength: maxBytes }));
    } catch (e) {
      const tooLong = errnoOf(e) === 'ERR_BUFFER_TOO_LARGE';
      throw tooLong
        ? new ConnectError(
            `message is larger than ${maxBytes} bytes once decompressed`,
            Code.ResourceExhausted,
          )
        : new ConnectError('the message is not valid gzip', Code.InvalidArgument, undefined, undefined, e);
    }
  },
};
