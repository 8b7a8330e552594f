#!/usr/bin/env node
// Plain JavaScript, because it must also start under an older Node to say (or do) what is needed there.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

const major = Number(process.versions.node.split('.')[0])
if (major >= 24) {
  nodeModule.enableCompileCache()
  // The heap grows by a third before garbage is looked for, not by as much as the machine has: the hub shares a small one with its
  // database, and a long sync run must take no more memory than a short one.
  setFlagsFromString('--heap-growing-percent=33')
  await import('../src/main.ts')
} else {
  // `npm install` brings Node 24 as an ordinary dependency; a direct call under an older Node uses that one.
  const bundled = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
  if (!existsSync(bundled)) {
    process.stderr.write(
      `throughline needs Node 24 and this is ${process.version}. Run "npm install" in the project, which brings it, or install Node 24.\n`,
    )
    process.exit(78)
  }
  const child = spawn(bundled, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal) process.kill(process.pid, signal)
    else process.exit(code ?? 1)
  })
}
