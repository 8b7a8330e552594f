import { Problem } from '#core/problem.ts'

/**
 * What kind of failure it was and where, without any value: messages may quote what a person typed, and these lines are
 * kept in tables that nothing seals.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${typeof error}`
  const code = error instanceof Problem ? error.code : 'code' in error ? String(error.code) : ''
  const constraint = 'constraint' in error ? String(error.constraint) : ''
  return [error.name, code, constraint, placeOf(error)]
    .filter((part) => part !== '' && part !== 'undefined')
    .join(' ')
}

/** The first line of the stack that is ours, such as `at settle (src/sync/write.ts:12:3)`; empty when there is none. */
function placeOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  const own = lines.find((line) => line.includes('/src/') && !line.includes('/node_modules/'))
  const file = own?.slice(own.lastIndexOf('/src/') + 1).replace(')', '')
  return file === undefined ? '' : `at ${file}`
}
