// Brings the newer Nodes that some peers run, from npm into folders that git ignores.
import { execFileSync } from 'node:child_process';
import { node22, node24, node26, packageName } from './peers/newer-nodes.ts';

for (const { missing, prefix, version } of [node22, node24, node26]) {
  if ((await missing()) === undefined) {
    console.log(`already there: ${prefix}`);
    continue;
  }
  const wanted = `${packageName}@${version}`;
  const flags = ['--prefix', prefix, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  execFileSync('npm', ['install', ...flags, wanted], { stdio: 'inherit', timeout: 300_000 });
  console.log(`${wanted} is in ${prefix}`);
}
