import { spawnSync } from 'node:child_process';

/** Whether this machine has the `openssl` program; tests that run it are skipped where it is missing. */
export const openssl: boolean = spawnSync('openssl', ['version']).status === 0;
