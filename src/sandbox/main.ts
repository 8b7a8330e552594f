import { parseArgs } from 'node:util'

import { startHubspot } from './hubspot/index.ts'
import { startSalesforce } from './salesforce/index.ts'

interface Alone {
  port: number
  stateFile?: string
  /** True lifts the vendor's rate limits and quotas. */
  isUnlimited: boolean
}

/** What each vendor's sandbox is started with. */
const VENDORS: Record<
  string,
  (options: Alone) => Promise<{ url: string; token: string; stop(): Promise<void> }>
> = {
  hubspot: ({ isUnlimited, ...options }) =>
    startHubspot({
      ...options,
      ...(isUnlimited ? { limits: { tenSecondly: null, daily: null, searchSecondly: null } } : {}),
    }),
  salesforce: ({ isUnlimited, ...options }) =>
    startSalesforce({
      ...options,
      ...(isUnlimited ? { limits: { dailyApiRequests: null, dailyBulkApiBatches: null } } : {}),
    }),
}

/**
 * A sandbox that stands alone: `node src/sandbox/main.ts --vendor hubspot --port 4010 --state file`.
 * Prints `ready <url> <token>` and stays up until SIGTERM or SIGINT.
 */
const { values } = parseArgs({
  options: {
    vendor: { type: 'string', default: 'hubspot' },
    port: { type: 'string', default: '4010' },
    state: { type: 'string' },
    'no-limits': { type: 'boolean', default: false },
  },
})
const start = VENDORS[values.vendor]
if (!start) throw new RangeError(`--vendor is one of ${Object.keys(VENDORS).join(', ')}`)
const sandbox = await start({
  port: Number(values.port),
  isUnlimited: values['no-limits'],
  ...(values.state === undefined ? {} : { stateFile: values.state }),
})
process.stdout.write(`ready ${sandbox.url} ${sandbox.token}\n`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void sandbox.stop())
}
