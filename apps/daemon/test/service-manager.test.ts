import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { silentLogger } from '@stowage/core';
import { NotifySocket, tempDir, until } from '@stowage/testing';
import { serviceManager } from '../src/service-manager.ts';

test('a service manager is told by the socket of the environment, which nobody else inherits', async () => {
  await using dir = await tempDir('notify');
  await using socket = await NotifySocket.open(join(dir.path, 'n.sock'));
  const environment: NodeJS.ProcessEnv = { NOTIFY_SOCKET: socket.path, OTHER: 'x' };
  const manager = serviceManager(environment, silentLogger);
  expect(environment).toEqual({ OTHER: 'x' });
  manager.ready('serving');
  manager.stopping();
  await until('both', () => socket.messages.length === 2);
  expect(socket.messages).toEqual([
    'READY=1\nSTATUS=serving\n',
    'STOPPING=1\nSTATUS=stopping; containers go on\n',
  ]);
});

test('without one nothing is told; one that is gone is a warning', () => {
  serviceManager({}, silentLogger).ready('x');
  const lines: object[] = [];
  const log = { ...silentLogger, warn: (fields: object) => void lines.push(fields) };
  serviceManager({ NOTIFY_SOCKET: '/nowhere/n.sock' }, log).ready('x');
  expect(lines).toMatchObject([{ socket: '/nowhere/n.sock' }]);
});
