#!/usr/bin/env node
import { greet } from '../src/greet.mjs';

console.log(greet(process.argv[2]));
