import { startHubspot } from './hubspot/index.ts'
import { startPipedrive } from './pipedrive/index.ts'
import { startSalesforce } from './salesforce/index.ts'

/** What every vendor's sandbox is started with. */
export interface SandboxOptions {
  port: number
  stateFile?: string
  hasLimits: boolean
}

export interface StartedSandbox {
  url: string
  token: string
  stop(): Promise<void>
}

/** The vendors that can be started alone. */
export const vendorStarts: Readonly<
  Record<string, (options: SandboxOptions) => Promise<StartedSandbox>>
> = {
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
