import { standardPlugins } from '@stowage/embedded/plugins';
import { API_VERSION, REVISION } from './version.ts';

/** Everything that stowaged is made of. */
export const builtinPlugins = standardPlugins({ version: API_VERSION, revision: REVISION });
