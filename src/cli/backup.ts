import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { Client } from 'pg'
import { PgBoss } from 'pg-boss'
import { erasedListFile, keyPlaceOf, type App } from '#app.ts'
import { withApp } from '#cli/with-app.ts'
import { loadConfig, type Config } from '#config.ts'
import { eraseAgain, readErasedList } from '#compliance/erased-list.ts'
import { createLog, type Log } from '#core/log.ts'
import type { BackupSecret } from '#store/backup/frames.ts'
import { loadBackup, requireEmpty } from '#store/backup/restore.ts'
import { type BackupCount, writeBackup } from '#store/backup/write.ts'
import { startEmbedded } from '#store/embedded.ts'
import { findMasterKeys } from '#store/key-file.ts'
import { migrate } from '#store/migrate.ts'

interface Options {
  passphraseFile?: string
  drill?: boolean
}

const MIGRATIONS = join(dirname(fileURLToPath(import.meta.url)), '../../migrations')
const MIN_PASSPHRASE = 15
const PASSPHRASE_HELP = 'encrypt with the text of this file instead of the key file’s key'

export function backupCommand(): Command {
  return new Command('backup')
    .description('Write all data of one moment into an encrypted file; the hub may go on running.')
    .argument('<file>', 'where to write')
    .option('--passphrase-file <file>', PASSPHRASE_HELP)
    .option('--drill', 'restore it into a scratch database at once, compare, and drop that', false)
    .action((file: string, options: Options) =>
      withApp(async ({ config, log, store }) => {
        const secret = await readSecret(config, options)
        tell('backed up', await writeBackup(store.connectionString, file, secret))
        if (options.drill)
          tell('restored as a drill', await drill(store.connectionString, file, secret, log))
      }),
    )
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('Restore a backup into an empty database, compare each table, or change nothing.')
    .argument('<file>', 'a file that backup wrote')
    .option('--passphrase-file <file>', 'the passphrase that it was encrypted with')
    .action(async (file: string, options: Options) => {
      const config = loadConfig(process.env)
      const log = createLog('warn')
      const secret = await readSecret(config, options)
      const embedded =
        config.databaseUrl === undefined
          ? await startEmbedded({ dataDir: config.dataDir, log })
          : null
      try {
        const connectionString = config.databaseUrl ?? embedded?.connectionString ?? ''
        tell('restored', await restoreBackup(connectionString, file, secret, log))
      } finally {
        await embedded?.stop()
      }
      await withApp(eraseListed)
    })
}

/** A backup that is older than an erasure brings the person back: those on the list beside the keys are erased again. */
export async function eraseListed({ config, store, modules, clock }: App): Promise<void> {
  const stores = modules.flatMap((module) => module.personal ?? [])
  const list = await readErasedList(erasedListFile(config))
  const count = await eraseAgain(store, stores, list, clock.now())
  process.stdout.write(`erased again: ${count} of ${list.length} people\n`)
}

/** Makes all tables in an empty database and loads the backup into them. */
export async function restoreBackup(
  connectionString: string,
  file: string,
  secret: BackupSecret,
  log: Log,
): Promise<BackupCount> {
  await requireEmpty(connectionString)
  await migrate({ connectionString, folder: MIGRATIONS, log })
  const queue = new PgBoss({ connectionString, supervise: false, schedule: false })
  await queue.start()
  await queue.stop({ graceful: false })
  return loadBackup(connectionString, file, secret)
}

/** Restores into a database of its own on the same server, which is dropped whatever happens. */
async function drill(
  connectionString: string,
  file: string,
  secret: BackupSecret,
  log: Log,
): Promise<BackupCount> {
  const name = `throughline_drill_${randomBytes(6).toString('hex')}`
  const server = new Client({ connectionString })
  await server.connect()
  try {
    await server.query(`create database ${name}`)
    const scratch = connectionString.replace(
      /^([a-z]+:\/\/[^/]*\/)[^?]*/,
      (_, start: string) => start + name,
    )
    return await restoreBackup(scratch, file, secret, log)
  } finally {
    await server.query(`drop database if exists ${name} with (force)`)
    await server.end()
  }
}

async function readSecret(config: Config, options: Options): Promise<BackupSecret> {
  if (options.passphraseFile !== undefined) {
    const passphrase = (await readFile(options.passphraseFile, 'utf8')).trim()
    if (passphrase.length < MIN_PASSPHRASE)
      throw new Error(`A passphrase of a backup has ${MIN_PASSPHRASE} characters or more.`)
    return { passphrase }
  }
  const { keyFile, keyGuard } = keyPlaceOf(config)
  const master = await findMasterKeys(keyFile, keyGuard)
  if (!master) throw new Error(`There is no key file ${keyFile}: put it there first.`)
  return { master }
}

function tell(done: string, { tables, rows }: BackupCount): void {
  process.stdout.write(`${done}: ${tables} tables, ${rows} rows\n`)
}
