import { type Logger, reasonOf } from '@stowage/core';
import { sendDatagram } from '@stowage/linux/sockets';

/** Tells whoever started the daemon, if it is to be told, how far it is. */
export interface ServiceManager {
  ready(status: string): void;
  stopping(): void;
}

/**
 * Speaks systemd's protocol, if the environment says where. That is taken out of the environment, so that nobody whom the
 * daemon starts speaks for it. What can't be told is logged: the daemon serves all the same.
 *
 * @see sd_notify(3)
 */
export function serviceManager(environment: NodeJS.ProcessEnv, log: Logger): ServiceManager {
  const path = environment.NOTIFY_SOCKET;
  delete environment.NOTIFY_SOCKET;
  if (path === undefined || path === '') return { ready() {}, stopping() {} };
  const tell = (...lines: readonly string[]) => {
    try {
      if (!sendDatagram(path, Buffer.from(`${lines.join('\n')}\n`))) throw new Error('it takes no more');
    } catch (e) {
      log.warn(
        { reason: reasonOf(e), socket: path },
        'the service manager can not be told how far the daemon is',
      );
    }
  };
  return {
    ready: (status) => tell('READY=1', `STATUS=${status}`),
    stopping: () => tell('STOPPING=1', 'STATUS=stopping; containers go on'),
  };
}
