import { Problem } from '#core/problem.ts'
import { MINUTE_MS } from '#core/time.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { startOf } from '#levels/level.rules.ts'
import { lowestOf, shareUp, UPTIME_DEFINITION } from '#levels/probe.rules.ts'
import { NewProbes, TakenProbes, UptimeQuery, UptimeReport } from '#levels/probe.schema.ts'
import { insertProbes, readUptime } from '#levels/probe.store.ts'

const SKEW_MS = 5 * MINUTE_MS

const createProbes = defineOperation({
  id: 'createProbes',
  method: 'POST',
  path: '/api/v1/probes',
  scope: 'probes:write',
  tag: 'Service levels',
  summary: 'Report what a prober found from outside',
  description:
    'Up to a thousand at a time, also later than they were made: a moment that is told twice counts once.',
  subject: ({ prober }) => prober,
  input: NewProbes,
  output: TakenProbes,
  async perform({ prober, probes }, { tx, now }) {
    const early = probes.findIndex(({ at }) => at.getTime() > now.getTime() + SKEW_MS)
    if (early >= 0)
      throw new Problem('request.invalid', 'A probe is of the future: set the prober’s clock.', {
        errors: [{ pointer: `/probes/${early}/at`, detail: 'Give a moment that has been.' }],
      })
    const taken = await insertProbes(tx, prober, probes)
    return { prober, taken, known: probes.length - taken }
  },
})

const getUptime = defineOperation({
  id: 'getUptime',
  method: 'GET',
  path: '/api/v1/uptime',
  scope: 'levels:read',
  tag: 'Service levels',
  summary: 'For how many seconds the hub answered correctly, as probers outside saw it',
  input: UptimeQuery,
  output: UptimeReport,
  async perform({ window }, { tx, now }) {
    const from = startOf(window, now)
    const all = await readUptime(tx, from, now)
    const lowest = lowestOf(all)
    return {
      window,
      from,
      to: now,
      definition: UPTIME_DEFINITION,
      uptime: lowest && shareUp(lowest),
      data: all.map((one) => ({ ...one, uptime: shareUp(one) })),
    }
  },
})

export const probeOperations: readonly Operation[] = [createProbes, getUptime]
