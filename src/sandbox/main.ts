import { parseArgs } from 'node:util'

import { vendorStarts } from './vendors.ts'

/**
 * A sandbox that stands alone: `node src/sandbox/main.ts --vendor pipedrive --port 4010 --state file`. Prints
 * `ready <url> <token>` and stays up until SIGTERM or SIGINT.
 */
const { values } = parseArgs({
  options: {
    vendor: { type: 'string', default: 'hubspot' },
    port: { type: 'string', default: '4010' },
    state: { type: 'string' },
    'no-limits': { type: 'boolean', default: false },
  },
})
const start = vendorStarts[values.vendor]
if (!start) {
  process.stderr.write(`--vendor must be one of ${Object.keys(vendorStarts).join(', ')}\n`)
  process.exit(2)
}
const sandbox = await start({
  port: Number(values.port),
  hasLimits: !values['no-limits'],
  ...(values.state === undefined ? {} : { stateFile: values.state }),
})
process.stdout.write(`ready ${sandbox.url} ${sandbox.token}\n`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void sandbox.stop())
}
