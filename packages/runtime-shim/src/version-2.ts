import { create, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import { Task as TaskV2 } from '@stowage/api/task/v2';

/**
 * Carries calls of task API version 3 to a shim of version 2: the same calls and messages, in another package.
 */
export function asVersion2({ unary, stream }: Transport): Transport {
  return {
    stream,
    async unary(method, signal, timeoutMs, header, message, contextValues) {
      const older = TaskV2.methods.find(({ localName }) => localName === method.localName);
      if (older === undefined) throw new Error(`task API version 2 has no ${method.name}`);
      const request = recode(method.input, older.input, create(method.input, message));
      const answer = await unary(
        older as typeof method,
        signal,
        timeoutMs,
        header,
        request as never,
        contextValues,
      );
      return { ...answer, method, message: recode(older.output, method.output, answer.message) as never };
    },
  };
}

function recode(from: DescMessage, to: DescMessage, message: Message): Message {
  return fromBinary(to, toBinary(from, message));
}
