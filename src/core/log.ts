import { pino, type Logger } from 'pino'

export type Log = Logger

/**
 * The structured log: one JSON line each on standard error, so that standard output stays the commands' own.
 * Callers pass ids and figures, never personal data; the paths below are a second net.
 */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      redact: {
        paths: [
          '*.email',
          '*.authorization',
          '*.token',
          '*.secret',
          'email',
          'authorization',
          'token',
        ],
        remove: true,
      },
      serializers: { error: describeError },
    },
    { write: (line: string) => process.stderr.write(line) },
  )
}

/** A log that says nothing; for tools and tests that watch other things. */
export const silentLog: Log = pino({ level: 'silent' })

/** What an error may say in the log: PostgreSQL puts values of rows into `detail`, so only these fields are kept. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = 'code' in error ? { code: error.code } : {}
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) }
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause }
}
