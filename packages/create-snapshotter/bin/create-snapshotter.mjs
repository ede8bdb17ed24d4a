#!/usr/bin/env node
import { launch } from '@stowage/core/launch';

await launch(new URL('../dist/main.js', import.meta.url));
