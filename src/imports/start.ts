import { Problem } from '#core/problem.ts'
import type { Principal } from '#gateway/operation.ts'
import { hasFile } from '#imports/file.store.ts'
import { lockImport, queueImport, type ImportRecord } from '#imports/import.store.ts'
import { findTodo } from '#imports/plan.ts'
import { getTarget, refuseWithoutScope, type Targets } from '#imports/targets.ts'
import type { Transaction } from '#store/store.ts'

/**
 * Lets an import run: from its beginning, or on from where it failed or was cancelled.
 * @throws Problem `import.unsettled` when something must be chosen first, `import.state_refused` when it runs or is over,
 *   `auth.forbidden` without the scope of the target, `resource.not_found`.
 */
export async function startImport(
  tx: Transaction,
  importId: string,
  principal: Principal,
  targets: Targets,
): Promise<ImportRecord> {
  const record = await lockImport(tx, importId)
  if (record === null || record.state === 'uploading') throw notFound()
  const target = getTarget(targets, record.target)
  refuseWithoutScope(target, principal)
  if (!['uploaded', 'failed', 'cancelled'].includes(record.state)) {
    throw new Problem(
      'import.state_refused',
      `The import is ${record.state}: ${record.state === 'done' ? 'upload the file again to import it anew.' : 'wait for its end, or cancel it.'}`,
    )
  }
  const errors = findTodo(record.columns, target)
  if (errors.length > 0) {
    const detail = `${errors[0]!.detail} Send it with PATCH /api/v1/imports/${importId}.`
    throw new Problem('import.unsettled', detail, { errors })
  }
  if (!(await hasFile(tx, importId))) {
    throw new Problem('import.state_refused', 'The file is not kept any more: upload it again.')
  }
  await queueImport(tx, importId, principal)
  return { ...record, state: 'queued', error: null, endedAt: null }
}

export function notFound(): Problem {
  return new Problem('resource.not_found', 'There is no import with this id.')
}
