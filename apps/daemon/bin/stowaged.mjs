#!/usr/bin/env node
import { launch } from '@stowage/core/launch';

await launch(new URL('../dist/bundle/stowaged.js', import.meta.url));
