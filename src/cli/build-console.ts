import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
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
  const { build } = await import('vite')
  await build({ root: FOLDER, configFile: join(FOLDER, 'vite.config.ts'), logLevel: 'warn' })
}
