import { VisuallyHidden } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import type { Role, ScopeInfo } from '#access/permissions/role.schema.ts'
import { formatWord } from '#console/format.ts'
import { byDomain } from '#console/pages/permissions/ScopeSelect.tsx'
import classes from './Access.module.css'

/** Every scope against every role; the scope and the heading stay in sight while one scrolls. */
export function RoleMatrix({
  roles,
  scopes,
}: {
  roles: readonly Role[]
  scopes: readonly ScopeInfo[]
}) {
  const held = new Map(roles.map((role) => [role.name, new Set(role.scopes)]))
  return (
    // A table that is wider than the screen scrolls, and so takes the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className={classes.scroll} aria-label="Roles and scopes, as a table" tabIndex={0}>
      <table className={classes.matrix}>
        <caption className="tl-hidden">Roles and scopes</caption>
        <thead>
          <tr>
            <th scope="col">Scope</th>
            {roles.map(({ name, label, builtIn }) => (
              <th key={name} scope="col" title={builtIn ? label : `${label}, own role`}>
                <span>
                  {name}
                  {!builtIn && ' (own)'}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        {byDomain(scopes).map(({ domain, scopes: members }) => (
          <tbody key={domain}>
            <tr>
              <th scope="rowgroup" colSpan={roles.length + 1} className={classes.domain}>
                {formatWord(domain)}
              </th>
            </tr>
            {members.map(({ name, about }) => (
              <tr key={name}>
                <th scope="row" title={about}>
                  <code>{name}</code>
                  <span className={classes.about}>{about}</span>
                </th>
                {roles.map((role) => (
                  <td key={role.name}>
                    {held.get(role.name)?.has(name) && (
                      <>
                        <IconCheck size={15} stroke={2.4} aria-hidden />
                        <VisuallyHidden>yes</VisuallyHidden>
                      </>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </section>
  )
}
