import { parseArgs } from 'node:util'

import { startHubspot } from './hubspot/index.ts'
import { startPipedrive } from './pipedrive/index.ts'
import { startSalesforce } from './salesforce/index.ts'

/** What every vendor's sandbox is started with. */
interface Options {
  port: number
  stateFile?: string
  hasLimits: boolean
}

interface Started {
  url: string
  token: string
  stop(): Promise<void>
}

/** The vendors that can be started alone. */
const VENDORS: Readonly<Record<string, (options: Options) => Promise<Started>>> = {
  hubspot: ({ hasLimits, ...options }) => {
    const lifted = { tenSecondly: null, daily: null, searchSecondly: null }
    return startHubspot({ ...options, ...(hasLimits ? {} : { limits: lifted }) })
  },
  pipedrive: ({ hasLimits, ...options }) => {
    const lifted = { daily: null, tokenBurst: 1e6, oauthBurst: 1e6, searchBurst: 1e6 }
    return startPipedrive({ ...options, ...(hasLimits ? {} : { limits: lifted }) })
  },
  salesforce: ({ hasLimits, ...options }) => {
    const lifted = { dailyApiRequests: null, dailyBulkApiBatches: null }
    return startSalesforce({ ...options, ...(hasLimits ? {} : { limits: lifted }) })
  },
}

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
const start = VENDORS[values.vendor]
if (!start) {
  process.stderr.write(`--vendor must be one of ${Object.keys(VENDORS).join(', ')}\n`)
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
