import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import {
  AREA,
  deleteRule,
  rulesQuery,
  type Rule,
} from '#console/pages/permissions/access.queries.ts'
import { NewRuleButton } from '#console/pages/permissions/NewRuleButton.tsx'
import { deviceWords, effects, hoursOf } from '#console/pages/permissions/rule-words.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { QueryTable } from '#console/ui/QueryTable.tsx'
import type { Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Rules that tie scopes to time, network, kind of data, purpose and device. */
export function RulesView() {
  const { can } = useSession()
  const rules = useQuery(rulesQuery)
  const mayWrite = can('access:write')
  return (
    <Panel
      title="Rules on circumstances"
      hint="Where one of the circumstances that a rule states does not hold, the call is refused, or asks to confirm who it is."
      flush
      actions={mayWrite && <NewRuleButton />}
    >
      <QueryTable
        query={rules}
        caption="Scopes and their circumstances"
        columns={columnsFor(mayWrite)}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No circumstance is asked for">
            Make a rule, say: personal data only from the office network and for a stated purpose.
          </EmptyState>
        }
      />
    </Panel>
  )
}

function columnsFor(mayWrite: boolean): Column<Rule>[] {
  return [
    { title: 'Rule', isHeader: true, cell: ({ name }) => name },
    {
      title: 'Otherwise',
      cell: ({ effect }) => <Badge tone={effects[effect].tone}>{effects[effect].label}</Badge>,
    },
    {
      title: 'About',
      cell: ({ scopes, dataClass, roles }) => (
        <span className={text.wrapped}>
          <span className={text.id}>{scopes.join(', ')}</span>
          {dataClass === 'personal' && <span className={text.line}>personal values only</span>}
          {roles.length > 0 && <span className={text.line}>of {roles.join(', ')}</span>}
        </span>
      ),
    },
    {
      title: 'Holds only',
      cell: (rule) => {
        const stated = circumstancesOf(rule)
        return (
          <span className={text.wrapped}>
            {stated.length === 0
              ? 'Never: it always asks'
              : stated.map((line) => (
                  <span key={line} className={text.line}>
                    {line}
                  </span>
                ))}
          </span>
        )
      },
    },
    ...(mayWrite
      ? [{ title: 'Remove', align: 'end' as const, cell: (rule: Rule) => <Remove rule={rule} /> }]
      : []),
  ]
}

function circumstancesOf({ networks, hours, purposes, devices }: Rule): string[] {
  return [
    ...(networks.length > 0 ? [`from ${networks.join(', ')}`] : []),
    ...(hours === null ? [] : [hoursOf(hours)]),
    ...(purposes.length > 0 ? [`for ${purposes.join(', ')}`] : []),
    ...(devices === null ? [] : [deviceWords[devices]]),
  ]
}

function Remove({ rule }: { rule: Rule }) {
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  return (
    <>
      <Button
        size="xs"
        variant="subtle"
        color="red"
        onClick={dialog.open}
        aria-label={`Remove ${rule.name}`}
      >
        Remove…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Remove the rule ${rule.name}`}
        confirm="Remove the rule"
        isGrave
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(() => deleteRule(rule.id), 'The rule ends within five seconds.', dialog.close)
        }
      >
        <p className={text.text}>
          Its scopes can be used under any circumstances again, as far as no other rule asks.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
