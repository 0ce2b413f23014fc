// Brings the Node ≥ 24 that the node24 peer runs, from npm into a folder that git ignores.
import { execFileSync } from 'node:child_process';
import { node24 } from './peers/node24.ts';

const version = '24.21.0';

if ((await node24.missing()) === undefined) {
  console.log(`already there: ${node24.prefix}`);
} else {
  const wanted = `${node24.packageName}@${version}`;
  const flags = ['--prefix', node24.prefix, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  execFileSync('npm', ['install', ...flags, wanted], { stdio: 'inherit', timeout: 300_000 });
  console.log(`${wanted} is in ${node24.prefix}`);
}
