import { Problem } from '#core/problem.ts'
import type { CollectiveOperation, Principal } from '#gateway/operation.ts'
import type { ImportTarget } from '#imports/target.ts'
import type { z } from 'zod'

/** A target whose operation is known to take batches. */
export interface BatchTarget extends ImportTarget {
  operation: CollectiveOperation<z.ZodType, z.ZodType>
}

export type Targets = ReadonlyMap<string, BatchTarget>

/** The targets by name. @throws Error when one has an operation that takes no batches, or two share a name. */
export function indexTargets(targets: readonly ImportTarget[]): Targets {
  const byName = new Map<string, BatchTarget>()
  for (const target of targets) {
    const { name, operation } = target
    if (!('performMany' in operation)) throw new Error(`the import target ${name} takes no batches`)
    if (byName.has(name)) throw new Error(`there are two import targets ${name}`)
    byName.set(name, { ...target, operation })
  }
  return byName
}

/** @throws Problem `request.invalid` that names those there are. */
export function getTarget(targets: Targets, name: string): BatchTarget {
  const target = targets.get(name)
  if (target !== undefined) return target
  const detail = `There is no import target ${name}: there are ${[...targets.keys()].join(', ')}.`
  throw new Problem('request.invalid', detail, { errors: [{ pointer: '/target', detail }] })
}

/** An import must not be a way around the scope of what it does. @throws Problem `auth.forbidden`. */
export function refuseWithoutScope(target: ImportTarget, principal: Principal): void {
  const { scope } = target.operation
  if (scope !== null && !principal.scopes.has(scope))
    throw new Problem(
      'auth.forbidden',
      `Importing ${target.name} needs the scope ${scope} beside imports:write.`,
    )
}
