import { Button, Drawer, NumberInput, Skeleton, Switch } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { formatWord } from '#console/format.ts'
import { formatKept } from '#console/pages/privacy/privacy-words.ts'
import { AREA, putRule, rulesQuery, type Rule } from '#console/pages/privacy/privacy.queries.ts'
import type { PrivacySearch } from '#console/pages/privacy/privacy.search.ts'
import { RetentionPreview } from '#console/pages/privacy/RetentionPreview.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

interface Parts {
  search: PrivacySearch
  onChange: (fields: Partial<PrivacySearch>) => void
}

/** How long each kind of record is kept; a rule opens to what it would remove, and to another one. */
export function RetentionRules({ search, onChange }: Parts) {
  const rules = useQuery(rulesQuery)
  const open = rules.data?.data.find(({ kind }) => kind === search.rule)
  return (
    <Panel
      title="How long records are kept"
      hint="A daily run goes by these rules. A legal hold goes before any of them."
      flush
    >
      {rules.isError && <Problem error={rules.error} />}
      {rules.isPending && <Skeleton height={260} m={18} w="auto" />}
      {rules.data && (
        <Table
          caption="Retention rules by kind of record"
          rows={rules.data.data}
          columns={columns}
          rowKey={({ kind }) => kind}
          empty={null}
        />
      )}
      <Drawer
        opened={open !== undefined}
        onClose={() => onChange({ rule: undefined, days: undefined })}
        position="right"
        size={620}
        title={open && formatWord(open.kind)}
        closeButtonProps={{ 'aria-label': 'Close the rule' }}
        transitionProps={{ duration: 150 }}
      >
        {open && <Edit key={open.kind} rule={open} search={search} onChange={onChange} />}
      </Drawer>
    </Panel>
  )
}

const columns: Column<Rule>[] = [
  {
    title: 'Kind',
    isHeader: true,
    cell: ({ kind }) => (
      <Link
        from="/privacy"
        to="/privacy"
        search={(search) => ({ ...search, rule: kind, days: undefined })}
        resetScroll={false}
        data-row-link
      >
        {formatWord(kind)}
      </Link>
    ),
  },
  { title: 'Kept', cell: ({ days }) => formatKept(days) },
  {
    title: 'Rule',
    cell: ({ isDefault, isHeld }) => (
      <>
        {isDefault ? <Badge tone="plain">As delivered</Badge> : <Badge tone="info">Own</Badge>}{' '}
        {isHeld && <Badge tone="warn">On hold</Badge>}
      </>
    ),
  },
  { title: 'What goes', cell: ({ about }) => <span className={text.wrapped}>{about}</span> },
  { title: 'Changed', align: 'end', cell: ({ changedAt }) => <Moment at={changedAt} /> },
]

/** Another number of days: first what it would remove, then the rule. */
function Edit({ rule, search, onChange }: Parts & { rule: Rule }) {
  const { can } = useSession()
  const [isAsked, setAsked] = useState(false)
  const change = useChange(AREA)
  const chosen = search.days === undefined ? rule.days : Number(search.days)
  const [isForGood, setForGood] = useState(rule.days === 'keep' && search.days === undefined)
  const days = isForGood ? 'keep' : chosen
  const isOther = days !== rule.days
  return (
    <div className={text.form}>
      <p className={text.text}>{rule.about}</p>
      <Switch
        label="Kept for good"
        checked={isForGood}
        onChange={(event) => {
          setForGood(event.currentTarget.checked)
          onChange({
            days: event.currentTarget.checked ? undefined : String(Math.max(365, rule.minimumDays)),
          })
        }}
      />
      {!isForGood && (
        <NumberInput
          label="Days"
          description={`At least ${rule.minimumDays}. The preview below goes by it.`}
          min={Math.max(1, rule.minimumDays)}
          max={36_500}
          allowDecimal={false}
          value={days === 'keep' ? '' : days}
          onChange={(value) => {
            if (Number(value) >= 1) onChange({ days: String(value) })
          }}
        />
      )}
      {days === 'keep' ? (
        <p className={text.text}>Nothing would go.</p>
      ) : (
        <RetentionPreview kind={rule.kind} days={days} />
      )}
      {can('retention:write') && (
        <Button disabled={!isOther} onClick={() => setAsked(true)}>
          Make it the rule…
        </Button>
      )}
      <ConfirmDialog
        opened={isAsked}
        onClose={() => setAsked(false)}
        title={`Keep ${formatWord(rule.kind).toLowerCase()} ${formatKept(days).toLowerCase()}`}
        confirm="Make it the rule"
        isGrave={days !== 'keep'}
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => putRule(rule.kind, days),
            'The next daily run goes by it.',
            () => {
              setAsked(false)
              onChange({ rule: undefined, days: undefined })
            },
          )
        }
      >
        <p className={text.text}>
          {days === 'keep'
            ? 'No run removes records of this kind any more.'
            : 'What is older goes with the next daily run and does not come back. The preview says how much.'}
        </p>
      </ConfirmDialog>
      {change.dialog}
    </div>
  )
}
