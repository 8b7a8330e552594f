import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('../../console', import.meta.url))

/** Builds the console where it is not built yet or its lock file is newer; some seconds, once. */
export async function buildConsole(): Promise<void> {
  const built = join(FOLDER, 'dist', 'index.html')
  if (existsSync(built)) {
    const [page, lock] = await Promise.all([stat(built), stat(join(FOLDER, '..', 'package.json'))])
    if (page.mtimeMs > lock.mtimeMs) return
  }
  process.stderr.write('building the console, once\n')
  await runVite(['build', FOLDER, '--config', join(FOLDER, 'vite.config.ts'), '--logLevel', 'warn'])
}

/** In a process of its own: what a build takes of memory, 800 MB, the hub would never give back. */
async function runVite(args: readonly string[]): Promise<void> {
  const bin = join(
    dirname(fileURLToPath(import.meta.resolve('vite/package.json'))),
    'bin',
    'vite.js',
  )
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 2, 2] })
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (code !== 0)
    throw new Error(`The console could not be built: vite ended with ${String(code)}.`)
}
