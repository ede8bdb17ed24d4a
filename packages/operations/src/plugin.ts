import { noConfig, type Plugin, plugin } from '@stowage/core';
import { grpcSlot } from '@stowage/rpc';
import { OPERATIONS_DEFAULTS, operationsConfig } from './config.ts';
import { localOperations } from './local/index.ts';
import { operationsSlot } from './operations.ts';
import { operationRoutes } from './service.ts';

/** The daemon's operations: whoever does something that takes time may tell it of that. */
export const operationsPlugin: Plugin = plugin({
  slot: operationsSlot,
  id: 'table',
  config: operationsConfig,
  defaults: OPERATIONS_DEFAULTS,
  start: ({ config }) => localOperations(config),
});

/** Lets clients watch, cancel and tell of operations on the daemon's socket. */
export const operationsGrpcPlugin: Plugin = plugin({
  slot: grpcSlot,
  id: 'operations',
  config: noConfig,
  needs: { operations: operationsSlot },
  start: ({ needs: { operations } }) => operationRoutes((scope) => operations.scope(scope)),
});
