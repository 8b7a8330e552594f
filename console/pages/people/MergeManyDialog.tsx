import { Button, Skeleton } from '@mantine/core'
import { IconArrowsExchange } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { formatCount, formatField } from '#console/format.ts'
import { describeMany } from '#console/many.ts'
import {
  AREA,
  mergePairs,
  previewPairsQuery,
  type PairPreview,
  type PairWish,
} from '#console/pages/people/people.queries.ts'
import { detailOf, nameOf } from '#console/pages/people/PersonName.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FieldValue, type ShownValue } from '#console/ui/FieldValue.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'
import classes from './People.module.css'

/** Merging pairs at once, in sight of who stays of each and what differs; open while there are pairs. */
export function MergeManyDialog({
  ids,
  onClose,
  onDone,
}: {
  ids: readonly string[]
  onClose: () => void
  onDone: () => void
}) {
  const [turned, setTurned] = useState<ReadonlyMap<string, string>>(new Map())
  const change = useChange(AREA)
  const wishes = ids.map((id): PairWish => ({ duplicateId: id, intoId: turned.get(id) ?? null }))
  const isOpen = ids.length > 0
  const preview = useQuery({
    ...previewPairsQuery(wishes),
    enabled: isOpen,
    placeholderData: keepPreviousData,
  })
  const rows = isOpen ? (preview.data ?? []) : []
  const merges = rows.filter(({ result }) => result === 'merge').length
  const close = () => {
    setTurned(new Map())
    onClose()
  }
  return (
    <>
      <ConfirmDialog
        opened={isOpen}
        onClose={close}
        title={`Merge ${formatCount(ids.length)} ${ids.length === 1 ? 'pair' : 'pairs'}`}
        confirm={`Merge (${formatCount(ids.length)})`}
        size={1080}
        isBusy={change.isBusy}
        isIncomplete={merges === 0 || preview.isFetching}
        onConfirm={() =>
          change.run(
            () => mergePairs(wishes),
            (result) => describeMany(result, ['pair is one person', 'pairs are one person each']),
            () => {
              close()
              onDone()
            },
          )
        }
      >
        <p className={text.text}>
          Who stays keeps their own values; what differs is set aside, and gaps are filled. Of
          consents the more restrictive holds. Each merge is undone by itself under “Merge log”;
          those into one person the latest first.
        </p>
        {rows.some(({ isShared }) => isShared) && (
          <p className={text.text}>
            Some pairs share people. All of those go into one, whatever the order.
          </p>
        )}
        {preview.isError && <Problem error={preview.error} />}
        {isOpen && preview.isPending && <Skeleton height={180} />}
        {rows.length > 0 && (
          <div className={classes.many}>
            <Table
              caption="Pairs to be merged"
              rows={rows}
              columns={columnsFor((id, intoId) => setTurned(new Map(turned).set(id, intoId)))}
              rowKey={({ id }) => id}
              empty={null}
            />
          </div>
        )}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}

function columnsFor(onTurn: (id: string, intoId: string) => void): Column<PairPreview>[] {
  return [
    { title: 'Stays', isHeader: true, cell: ({ into }) => <Side person={into} /> },
    { title: 'Goes in', cell: (row) => <Goes row={row} /> },
    {
      title: 'Confidence',
      align: 'end',
      cell: ({ confidence }) => confidence?.toFixed(2) ?? '—',
    },
    { title: 'What differs', cell: (row) => <Differences row={row} /> },
    {
      title: 'Swap',
      align: 'end',
      cell: ({ id, result, into, from, isShared }) =>
        result === 'merge' &&
        into &&
        from &&
        // Where pairs share people, who stays is not of this pair alone.
        !isShared && (
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconArrowsExchange size={14} aria-hidden />}
            aria-label={`Let ${nameOf(from)} stay and ${nameOf(into)} go in`}
            onClick={() => onTurn(id, from.id)}
          >
            Swap
          </Button>
        ),
    },
  ]
}

function Side({ person }: { person: PairPreview['into'] }) {
  if (person === null) return '—'
  return (
    <span className={classes.pair}>
      {nameOf(person)} <span className={text.soft}>{detailOf(person)}</span>
    </span>
  )
}

function Goes({ row: { result, refusal, from } }: { row: PairPreview }) {
  if (result === 'refused')
    return (
      <span className={text.wrapped}>
        <Badge tone="warn">Is left as it is</Badge> {refusal}
      </span>
    )
  if (result === 'together') return <span className={text.soft}>Both, by the other pairs</span>
  if (result === 'already_one') return <span className={text.soft}>They are one already</span>
  return <Side person={from} />
}

function Differences({ row: { result, differs, differing, fills } }: { row: PairPreview }) {
  if (result !== 'merge') return null
  const more = differing - differs.length
  return (
    <ul className={classes.differences}>
      {differs.map(({ field, stays, setAside }) => (
        <li key={field}>
          {formatField(field)}: <FieldValue value={shown(stays)} />{' '}
          <span className={text.soft}>
            for <FieldValue value={shown(setAside)} />
          </span>
        </li>
      ))}
      {more > 0 && <li>{formatCount(more)} more</li>}
      {differing === 0 && <li className={text.soft}>Nothing</li>}
      {fills > 0 && (
        <li className={text.soft}>
          {formatCount(fills)} {fills === 1 ? 'gap is' : 'gaps are'} filled
        </li>
      )}
    </ul>
  )
}

function shown(value: unknown): ShownValue {
  return value === null || typeof value !== 'object' ? (value as ShownValue) : JSON.stringify(value)
}
