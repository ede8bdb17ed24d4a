import { apiVersion } from '@stowage/embedded/plugins';
import manifest from '../package.json' with { type: 'json' };

/** Set by the bundler. */
declare const STOWAGE_REVISION: string | undefined;

/** Version of stowaged itself. */
export const VERSION: string = manifest.version;

/** Commit it was built from. */
export const REVISION: string = typeof STOWAGE_REVISION === 'string' ? STOWAGE_REVISION : 'source';

/** What Version answers. */
export const API_VERSION = apiVersion(VERSION);
