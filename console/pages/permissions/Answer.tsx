import { IconChevronRight } from '@tabler/icons-react'
import type { Why } from '#console/pages/permissions/access.queries.ts'
import { usePrincipals } from '#console/pages/permissions/principals.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'
import classes from './Access.module.css'

/** The decision, the place on the path that decided, and everything that was looked at. */
export function Answer({ why }: { why: Why }) {
  const name = usePrincipals().find(({ id }) => id === why.principal)?.name ?? why.principal
  const { allowed, decidedBy, path, considered, roles, rolesWithScope, contextRules } = why
  return (
    <>
      <Panel title={allowed ? `${name} may` : `${name} may not`}>
        <div className={text.form}>
          <p className={text.title}>
            {allowed ? <Badge tone="good">Allowed</Badge> : <Badge tone="bad">Denied</Badge>}
            <span className={text.id}>{why.scope}</span>
          </p>
          <p className={text.text}>{why.detail}</p>
          <ol className={classes.path} aria-label="From the organisation down">
            {path.map((node, i) => {
              const isDecisive = decidedBy?.node === node
              return (
                <li key={node} className={classes.path}>
                  {i > 0 && <IconChevronRight size={13} aria-hidden />}
                  <span
                    className={classes.node}
                    data-decided={isDecisive ? decidedBy.effect : undefined}
                  >
                    {node}
                    {isDecisive && ' decided'}
                  </span>
                </li>
              )
            })}
          </ol>
          <dl className={text.facts}>
            <div>
              <dt>Roles</dt>
              <dd>{roles.length === 0 ? 'None' : roles.join(', ')}</dd>
            </div>
            <div>
              <dt>Roles that give this scope</dt>
              <dd>{rolesWithScope.length === 0 ? 'None' : rolesWithScope.join(', ')}</dd>
            </div>
            <div>
              <dt>Personal values</dt>
              <dd>{why.personalValues === 'clear' ? 'Shown in clear' : 'Masked'}</dd>
            </div>
            <div>
              <dt>Rules on circumstances</dt>
              <dd>
                {contextRules.length === 0
                  ? 'None'
                  : contextRules
                      .map(
                        (rule) =>
                          `${rule.name}: ${rule.effect === 'deny' ? 'refuses' : 'asks to confirm'} ${rule.holdsOnly.length === 0 ? 'always' : `unless ${rule.holdsOnly.join(', ')}`}`,
                      )
                      .join('; ')}
              </dd>
            </div>
          </dl>
        </div>
      </Panel>
      <Panel
        title="What was looked at"
        hint="Rights and denials of this one and of its roles. Only those on the path and for this scope apply."
        flush
      >
        <Table
          caption="Rights and denials that were looked at"
          rows={considered}
          columns={columns}
          rowKey={({ subject, effect, scope, node }) => `${subject} ${effect} ${scope} ${node}`}
          empty={
            <p className={`${text.text} ${text.pad}`}>
              No right and no denial beyond roles: the roles alone decide.
            </p>
          }
        />
      </Panel>
    </>
  )
}

const columns: Column<Why['considered'][number]>[] = [
  { title: 'At', isHeader: true, cell: ({ node }) => <span className={text.id}>{node}</span> },
  {
    title: 'Effect',
    cell: ({ effect }) =>
      effect === 'allow' ? <Badge tone="good">Allows</Badge> : <Badge tone="bad">Denies</Badge>,
  },
  { title: 'Scope', cell: ({ scope }) => <span className={text.id}>{scope}</span> },
  { title: 'For', cell: ({ subject }) => <span className={text.id}>{subject}</span> },
  {
    title: 'Applies here',
    cell: ({ applies }) =>
      applies ? <Badge tone="info">Applies</Badge> : <Badge tone="plain">Not here</Badge>,
  },
]
