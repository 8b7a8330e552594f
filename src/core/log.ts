import { pino, stdSerializers, type Logger } from 'pino'

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
      serializers: { error: stdSerializers.err },
    },
    { write: (line: string) => process.stderr.write(line) },
  )
}

/** A log that says nothing; for tools and tests that watch other things. */
export const silentLog: Log = pino({ level: 'silent' })
