import { NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ColumnPlan, DateFormatName, Import, ImportPreview } from '#imports/import.schema.ts'
import type { z } from 'zod'
import { formatShare } from '#console/format.ts'
import { dateFormats } from '#console/pages/imports/import-words.ts'
import {
  AREA,
  changeImport,
  targetsQuery,
  type Target,
} from '#console/pages/imports/imports.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

type Format = z.output<typeof DateFormatName>

/** Where each column goes and why; to be changed until the start. */
export function Columns({
  one,
  samples,
}: {
  one: Import
  /** Null once the file need not be looked at any more. */
  samples: ImportPreview['samples'] | null
}) {
  const { can } = useSession()
  const targets = useQuery(targetsQuery)
  const change = useChange(AREA)
  const target = targets.data?.data.find(({ name }) => name === one.target)
  const isOpen = one.state === 'uploaded' && can('imports:write') && target !== undefined
  const parts: Parts = {
    target,
    samples: new Map((samples ?? []).map(({ column, values }) => [column, values])),
    edit: isOpen
      ? {
          isBusy: change.isBusy,
          choose: (column, to) =>
            change.run(
              () => changeImport(one.id, { mapping: [choiceOf(column, to)] }),
              `${column} goes there.`,
            ),
          format: (column, format) =>
            change.run(
              () => changeImport(one.id, { dateFormats: [{ column, format }] }),
              `The dates of ${column} are read so.`,
            ),
        }
      : null,
  }
  return (
    <Panel
      title="Where each column goes"
      hint="Guessed by names and values. What no field takes is kept as a custom value, or left out."
      flush
    >
      <NotRead what="The fields to choose from" error={targets.error} />
      <Table
        caption="Columns of the file"
        rows={one.columns}
        columns={columnsFor(parts, samples !== null)}
        rowKey={({ column }) => column}
        empty={null}
      />
      {change.dialog}
    </Panel>
  )
}

interface Parts {
  target: Target | undefined
  samples: ReadonlyMap<string, readonly string[]>
  edit: {
    isBusy: boolean
    choose: (column: string, to: string) => void
    format: (column: string, format: Format) => void
  } | null
}

const CUSTOM = ' custom'
const IGNORE = ' ignore'

/** Keys of custom values begin with a letter or digit and are short. */
function choiceOf(column: string, to: string) {
  if (to === IGNORE) return { column, ignore: true as const }
  if (to !== CUSTOM) return { column, field: to }
  const key = column
    .replaceAll(/[^\p{L}\p{N}_ .-]/gu, ' ')
    .trim()
    .slice(0, 60)
  return { column, custom: /^[\p{L}\p{N}]/u.test(key) ? key : `x ${key}`.trim() }
}

function columnsFor(parts: Parts, hasSamples: boolean): Column<ColumnPlan>[] {
  const { target, samples } = parts
  return [
    { title: 'Column', isHeader: true, cell: ({ column }) => column },
    ...(hasSamples
      ? [
          {
            title: 'First values',
            cell: ({ column }: ColumnPlan) => (
              <span className={text.wrapped}>
                <FieldValue value={samples.get(column)?.slice(0, 3) ?? ''} />
              </span>
            ),
          },
        ]
      : []),
    { title: 'Goes to', cell: (plan) => <Goes plan={plan} parts={parts} /> },
    {
      title: 'Dates',
      cell: (plan) =>
        plan.dateFormat === null && !isDate(plan, target) ? null : (
          <Dates plan={plan} parts={parts} />
        ),
    },
    {
      title: 'Why',
      cell: ({ reason, confidence }) => (
        <span className={text.wrapped}>
          {reason}
          {confidence !== null && <span className={text.line}>{formatShare(confidence)} sure</span>}
        </span>
      ),
    },
  ]
}

function isDate({ field }: ColumnPlan, target: Target | undefined): boolean {
  return target?.fields.find((one) => one.field === field)?.kind === 'date'
}

function Goes({ plan, parts: { target, edit } }: { plan: ColumnPlan; parts: Parts }) {
  const { column, use, field, key } = plan
  const label = target?.fields.find((one) => one.field === field)?.label ?? field
  if (edit === null || !target) {
    if (use === 'ignore') return <span className={text.soft}>Left out</span>
    return use === 'custom' ? <>Kept as “{key}”</> : <>{label}</>
  }
  return (
    <NativeSelect
      size="xs"
      miw={190}
      aria-label={`Where ${column} goes`}
      disabled={edit.isBusy}
      value={use === 'field' ? (field ?? IGNORE) : use === 'custom' ? CUSTOM : IGNORE}
      data={[
        ...target.fields.map((one) => ({
          value: one.field,
          label: one.required ? `${one.label} (needed)` : one.label,
        })),
        ...(target.maxCustom > 0 || use === 'custom'
          ? [{ value: CUSTOM, label: 'Keep as a custom value' }]
          : []),
        { value: IGNORE, label: 'Leave out' },
      ]}
      onChange={(event) => edit.choose(column, event.currentTarget.value)}
    />
  )
}

function Dates({ plan, parts: { edit } }: { plan: ColumnPlan; parts: Parts }) {
  const { column, dateFormat, isAmbiguous } = plan
  if (edit === null) return <>{dateFormat === null ? '—' : dateFormats[dateFormat]}</>
  const names = Object.keys(dateFormats) as Format[]
  return (
    <>
      {isAmbiguous && <Badge tone="warn">Choose: day or month first?</Badge>}
      <NativeSelect
        size="xs"
        miw={190}
        aria-label={`Dates of ${column}`}
        disabled={edit.isBusy}
        value={isAmbiguous ? '' : (dateFormat ?? '')}
        data={[
          { value: '', label: 'Choose…', disabled: true },
          ...names.map((value) => ({ value, label: dateFormats[value] })),
        ]}
        onChange={(event) => {
          const chosen = names.find((name) => name === event.currentTarget.value)
          if (chosen) edit.format(column, chosen)
        }}
      />
    </>
  )
}
