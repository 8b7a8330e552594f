import type { KeptField } from './change-plan.rules.ts'
import { listPlannedRows, type PlannedRow } from './change-plan.store.ts'
import { commit, type Run } from './engine.ts'
import type { Stream } from './connector.ts'
import { writeOutcomes, type Outcome } from './outcome.store.ts'

const PAGE = 2000

/** What of a record stays, in one line without values. */
export function keptText(kept: readonly KeptField[]): string {
  const text = kept.map(({ field, code }) => (field === '' ? code : `${field} (${code})`))
  return `Not put back: ${text.join(', ')}.`
}

/** Tells of the records of which nothing goes back, each with its reason. */
export async function tellKept(run: Run, planId: string, stream: Stream): Promise<void> {
  const filter = { stream: stream.name, state: 'kept' } as const
  for (let after = 0; ;) {
    const rows = await run.engine.store.read(run.workspaceId, (tx) =>
      listPlannedRows(tx, planId, filter, after, PAGE),
    )
    const last = rows.at(-1)
    if (!last) return
    after = last.seq
    await commit(run, async (tx) => {
      for (const side of ['here', 'there'] as const) {
        const place = {
          runId: run.id,
          connectionId: run.connectionId,
          stream: stream.name,
          entity: stream.entity,
          direction: side === 'here' ? ('pull' as const) : ('push' as const),
        }
        const own = rows.filter((row) => row.side === side).map(outcomeOf)
        await writeOutcomes(tx, place, own, run.engine.clock.now())
      }
    })
  }
}

function outcomeOf({ localId, externalId, kept = [] }: PlannedRow): Outcome {
  const code = kept[0]?.code ?? null
  return { localId, externalId, outcome: 'skipped', code, detail: keptText(kept) }
}
