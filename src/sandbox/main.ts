import { parseArgs } from 'node:util'

import { startHubspot } from './hubspot/index.ts'

/**
 * A sandbox that stands alone: `node src/sandbox/main.ts --port 4010 --state file`. Prints
 * `ready <url> <token>` and stays up until SIGTERM or SIGINT.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4010' },
    state: { type: 'string' },
    'no-limits': { type: 'boolean', default: false },
  },
})
const lifted = { tenSecondly: null, daily: null, searchSecondly: null }
const sandbox = await startHubspot({
  port: Number(values.port),
  ...(values.state === undefined ? {} : { stateFile: values.state }),
  ...(values['no-limits'] ? { limits: lifted } : {}),
})
process.stdout.write(`ready ${sandbox.url} ${sandbox.token}\n`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void sandbox.stop())
}
