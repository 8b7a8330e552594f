import { Button, Modal } from '@mantine/core'
import type { ImportCheck } from '#imports/import.schema.ts'
import { formatCount } from '#console/format.ts'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** What an import would do, after every row was read and nothing written. */
export function CheckDialog({
  check,
  onClose,
}: {
  check: ImportCheck | null
  onClose: () => void
}) {
  return (
    <Modal
      opened={check !== null}
      onClose={onClose}
      size="lg"
      title="What the import would do"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {check !== null && (
        <div className={text.form}>
          <dl className={text.facts}>
            <div>
              <dt>Rows read</dt>
              <dd>{formatCount(check.read)}</dd>
            </div>
            <div>
              <dt>Would be taken</dt>
              <dd>{formatCount(check.new)}</dd>
            </div>
            <div>
              <dt>Taken before</dt>
              <dd>{formatCount(check.unchanged)}</dd>
            </div>
            <div>
              <dt>Would be rejected</dt>
              <dd>{formatCount(check.rejected)}</dd>
            </div>
          </dl>
          <Table
            caption="Rejected rows by cause"
            rows={check.byCode}
            columns={codeColumns}
            rowKey={({ code }) => code}
            empty={<p className={text.text}>No row would be rejected.</p>}
          />
          {check.firstRejects.length > 0 && (
            <Table
              caption="The first rows that would be rejected"
              rows={check.firstRejects}
              columns={rejectColumns}
              rowKey={({ record }) => String(record)}
              empty={null}
            />
          )}
          <div>
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
          </div>
        </div>
      )}
    </Modal>
  )
}

const codeColumns: Column<ImportCheck['byCode'][number]>[] = [
  { title: 'Cause', isHeader: true, cell: ({ code }) => <span className={text.id}>{code}</span> },
  { title: 'Rows', align: 'end', cell: ({ rows }) => formatCount(rows) },
]

const rejectColumns: Column<ImportCheck['firstRejects'][number]>[] = [
  { title: 'Line', isHeader: true, cell: ({ line }) => formatCount(line) },
  { title: 'Why', cell: ({ reason }) => <span className={text.wrapped}>{reason}</span> },
]
