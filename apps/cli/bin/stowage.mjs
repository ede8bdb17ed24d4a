#!/usr/bin/env node
import { launch } from '@stowage/core/launch';

await launch(new URL('../dist/bundle/stowage.js', import.meta.url));
