import { clientAt, clientCases } from '../client-cases/bind.ts';
import { shared } from '../client-cases/shared.ts';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('client-daemon');

clientCases(
  shared(suite, {
    name: 'daemon',
    lacks: new Set(),
    client: (namespace) => clientAt(suite.daemon.address, namespace),
  }),
);
