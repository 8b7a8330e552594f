import { Command } from 'commander'
import { createSignInLink, createUser, issueKey } from '#access/bootstrap.ts'
import { roles } from '#access/roles.ts'
import { withApp } from '#cli/with-app.ts'
import { chooseWorkspace } from '#cli/workspace.ts'
import { Problem } from '#core/problem.ts'

export function keysCommand(): Command {
  const command = new Command('keys').description('API keys and sign-in links.')
  command
    .command('create')
    .description('Make an API key and print it; it is shown this once.')
    .requiredOption('-n, --name <name>', 'what the key is for')
    .option('-r, --role <role...>', `roles: ${Object.keys(roles).join(', ')}`, ['integrator'])
    .option('-w, --workspace <name>', 'the workspace, when there are several')
    .action(async (options: { name: string; role: string[]; workspace?: string }) => {
      const unknown = options.role.find((role) => !(role in roles))
      if (unknown !== undefined)
        throw new Problem(
          'request.invalid',
          `There is no role ${unknown}: there are ${Object.keys(roles).join(', ')}.`,
        )
      await withApp(async (app) => {
        const workspaceId = await chooseWorkspace(app, options.workspace)
        const { token } = await issueKey(
          app.store,
          workspaceId,
          { name: options.name, roles: options.role },
          app.clock.now(),
        )
        process.stdout.write(`${token}\n`)
      })
    })
  command
    .command('sign-in')
    .description('Print a link that signs a new admin in to the console, once, within 15 minutes.')
    .option('-w, --workspace <name>', 'the workspace, when there are several')
    .action(async (options: { workspace?: string }) => {
      await withApp(async (app) => {
        const workspaceId = await chooseWorkspace(app, options.workspace)
        const now = app.clock.now()
        const userId = await createUser(
          app.store,
          workspaceId,
          { name: 'Administrator', roles: ['admin'] },
          now,
        )
        process.stdout.write(
          `${await createSignInLink(app.store, workspaceId, userId, app.url, now)}\n`,
        )
      })
    })
  return command
}
