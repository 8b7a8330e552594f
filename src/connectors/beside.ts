import type { PushChange, PushResult } from '#sync/connector.ts'

/** The faults of what is written beside records, by change; those that are not in it went well. */
export type BesideFaults = ReadonlyMap<PushChange, PushResult>

/**
 * Writes records of which some properties are no fields at the vendor but rows or associations of their own: first the fields, then
 * those beside them of every record that was not refused. A record is refused when something beside it is: the whole is sent
 * again, so writing it twice must have no further effect.
 *
 * @param names  the properties that stand beside.
 * @param push  writes the fields alone.
 * @param write  writes what is beside the records; they all have a vendor id.
 */
export async function pushBeside(
  changes: readonly PushChange[],
  names: readonly string[],
  push: (rest: readonly PushChange[]) => Promise<PushResult[]>,
  write: (beside: readonly PushChange[]) => Promise<BesideFaults>,
): Promise<PushResult[]> {
  const results = new Map<PushChange, PushResult>()
  const rest = new Map(changes.map((change) => [change, withoutNames(change, names)]))
  const due = changes.filter((change) => {
    const isNothing = Object.keys(rest.get(change)!.properties).length === 0
    return change.deleted === true || change.externalId === null || !isNothing
  })
  const written = due.length > 0 ? await push(due.map((change) => rest.get(change)!)) : []
  due.forEach((change, i) => results.set(change, written[i]!))
  const beside = changes.flatMap((change): [PushChange, PushChange][] => {
    const result = results.get(change)
    const isWritten = result === undefined || result.kind === 'written'
    const externalId = result?.kind === 'written' ? result.externalId : change.externalId
    const isNamed = names.some((name) => name in change.properties)
    return isWritten && isNamed && externalId !== null ? [[change, { ...change, externalId }]] : []
  })
  const faults = beside.length > 0 ? await write(beside.map(([, one]) => one)) : new Map()
  for (const [change, one] of beside) {
    const done: PushResult = { kind: 'written', externalId: one.externalId!, created: false }
    results.set(change, faults.get(one) ?? results.get(change) ?? done)
  }
  return changes.map((change) => results.get(change)!)
}

function withoutNames(change: PushChange, names: readonly string[]): PushChange {
  const own = Object.entries(change.properties).filter(([name]) => !names.includes(name))
  return { ...change, properties: Object.fromEntries(own) }
}
