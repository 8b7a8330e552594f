import { Command } from 'commander'
import { sql } from 'kysely'
import { keyPlaceOf, type App } from '#app.ts'
import { withApp } from '#cli/with-app.ts'
import {
  dropOldMasterKeys,
  findMasterKeys,
  listUnsealed,
  rotateMasterKeys,
  type MasterKeys,
} from '#store/key-file.ts'
import { rewrapWorkspaceKeys } from '#store/workspace-keys.ts'

export function masterKeyCommand(): Command {
  const command = new Command('master-key').description(
    'The key that wraps the keys of all workspaces; hubs may go on running.',
  )
  command
    .command('rotate')
    .description('Make a new one, wrap everything anew, and take out those that nothing needs.')
    .action(() => withApp(rotate))
  command
    .command('status')
    .description('Which keys the file holds, how much each wraps, and which no guard seals.')
    .action(() => withApp(status))
  return command
}

async function readKeys(app: App): Promise<MasterKeys> {
  const { keyFile, keyGuard } = keyPlaceOf(app.config)
  const known = await findMasterKeys(keyFile, keyGuard)
  if (!known) throw new Error(`There is no key file ${keyFile}.`)
  return known
}

/** Safe to break off and to run again: until the end the file holds every key that anything is wrapped with. */
async function rotate(app: App): Promise<void> {
  const { keyFile: file, keyGuard } = keyPlaceOf(app.config)
  const rotated = await rotateMasterKeys(file, await readKeys(app), keyGuard)
  let wrapped = 0
  for (;;) {
    const count = await app.store.system((tx) => rewrapWorkspaceKeys(tx, rotated))
    if (count === 0) break
    wrapped += count
  }
  const left = (await countByKey(app)).filter(({ keyId }) => keyId !== rotated.current)
  if (left.length === 0) await dropOldMasterKeys(file, rotated, keyGuard)
  process.stdout.write(`${rotated.current} wraps ${wrapped} keys anew\n`)
  process.stderr.write(
    left.length === 0
      ? `Back up ${file} now: copies of before it do not open what is written from here on.\n`
      : 'Another hub wrapped keys meanwhile: run it again to take the old ones out.\n',
  )
}

async function status(app: App): Promise<void> {
  const { current, keys } = await readKeys(app)
  const used = new Map((await countByKey(app)).map(({ keyId, count }) => [keyId, count]))
  const unsealed = await listUnsealed(keyPlaceOf(app.config).keyFile)
  for (const name of keys.keys())
    process.stdout.write(
      `${name} ${used.get(name) ?? 0}${name === current ? ' current' : ''}${unsealed.includes(name) ? ' unsealed' : ''}\n`,
    )
}

function countByKey(app: App): Promise<{ keyId: string; count: number }[]> {
  return app.store.system((tx) =>
    tx.query(sql<{ keyId: string; count: number }>`
      select key_id, count(*)::int as count from workspace_keys group by key_id order by key_id`),
  )
}
