// Runs bench/NAME.ts or eval/NAME.ts: `npm run bench -- NAME`. Without a name it lists what there is.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const [folder = 'bench', name, ...rest] = process.argv.slice(2)
const path = join(fileURLToPath(new URL('..', import.meta.url)), folder)
const names = (await readdir(path))
  .filter((file) => /^[a-z-]+\.ts$/.test(file))
  .map((file) => file.slice(0, -3))
const shown = names.filter(
  (file) =>
    ![
      'figures',
      'fixtures',
      'load',
      'hub',
      'leads',
      'ceiling',
      'processes',
      'journey-worlds',
      'attribution-scores',
      'attribution-learning',
      'non-linear',
      'outcome',
    ].includes(file),
)
if (name === undefined || !shown.includes(name)) {
  console.error(`Usage: npm run ${folder} -- NAME, where NAME is one of: ${shown.join(', ')}`)
  process.exit(2)
}
process.argv = [process.argv[0]!, join(path, `${name}.ts`), ...rest]
await import(pathToFileURL(join(path, `${name}.ts`)).href)
