import { createWorkspace, findWorkspaceByName, listWorkspaces } from '#access/bootstrap.ts'
import { seedWorkspace, type App } from '#app.ts'
import { Problem } from '#core/problem.ts'

const DEFAULT_NAME = 'Default'

/**
 * The workspace that a command is about: the named one, or the only one; an empty installation gets its first.
 * @throws Problem when there are several and none is named, or the named one does not exist.
 */
export async function chooseWorkspace(app: App, name: string | undefined): Promise<string> {
  if (name !== undefined) {
    const id = await findWorkspaceByName(app.store, name)
    if (id === null) throw new Problem('resource.not_found', `There is no workspace named ${name}.`)
    return id
  }
  const workspaces = await listWorkspaces(app.store)
  if (workspaces.length > 1) {
    throw new Problem(
      'request.invalid',
      `There are ${workspaces.length} workspaces: choose one with --workspace (${workspaces.map((row) => row.name).join(', ')}).`,
    )
  }
  const only = workspaces[0]
  if (only) return only.id
  return createWorkspace(
    app.store,
    { name: DEFAULT_NAME, currency: 'EUR', timeZone: 'UTC' },
    app.clock.now(),
    seedWorkspace,
  )
}
