import type { App } from '#app.ts'
import { loadConfig } from '#config.ts'

/** Runs a command beside (or without) a running hub: same database, no HTTP, no jobs of its own. */
export async function withApp<T>(work: (app: App) => Promise<T>): Promise<T> {
  const quiet = process.env['THROUGHLINE_LOG_LEVEL'] ?? 'warn'
  // Not loaded with the command, which may have an answer without the hub.
  const { startApp } = await import('#app.ts')
  const app = await startApp(
    loadConfig({ ...process.env, THROUGHLINE_LOG_LEVEL: quiet }, { runJobs: false }),
    { listen: false },
  )
  try {
    return await work(app)
  } finally {
    await app.stop()
  }
}
