import { Button, Skeleton } from '@mantine/core'
import { IconShieldCheck } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { formatCount, formatInstant } from '#console/format.ts'
import {
  checkpointsQuery,
  verificationQuery,
  type Checkpoint,
  type Verification,
} from '#console/pages/audit/audit.queries.ts'
import { OfflineCheck } from '#console/pages/audit/OfflineCheck.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** The chain of hashes over the log: its head, its signed heads, and a check of all of it. */
export function ProofView({ onOpen }: { onOpen: (auditId: string) => void }) {
  const checkpoints = useInfiniteQuery(checkpointsQuery)
  const head = checkpoints.data?.pages[0]?.data[0]
  return (
    <>
      <Verify onOpen={onOpen} onDone={() => void checkpoints.refetch()} head={head} />
      <Panel
        title="Signed heads"
        hint="Each says how the chain stood at a moment. A copy that is kept elsewhere proves later that nothing before it was changed, also to whoever does not trust this hub."
        flush
      >
        <PagedTable<Checkpoint>
          query={checkpoints}
          caption="Signed heads, the newest first"
          what="heads"
          columns={columns}
          rowKey={({ seq }) => String(seq)}
          empty={
            <EmptyState title="Nothing is signed yet">
              A minute after the first entry its head is signed, and stands here.
            </EmptyState>
          }
        />
      </Panel>
      <OfflineCheck />
    </>
  )
}

const columns: Column<Checkpoint>[] = [
  { title: 'Entries', isHeader: true, cell: ({ seq }) => formatCount(seq) },
  { title: 'Signed', cell: ({ signedAt }) => <Moment at={signedAt} /> },
  {
    title: 'Hash of the chain (SHA-256)',
    cell: ({ chainHash }) => (
      <span className={text.id} title={chainHash}>
        {chainHash.slice(0, 24)}…
      </span>
    ),
  },
  { title: 'Key', cell: ({ keyId }) => <span className={text.id}>{keyId}</span> },
]

function Verify({
  head,
  onOpen,
  onDone,
}: {
  head: Checkpoint | undefined
  onOpen: (auditId: string) => void
  onDone: () => void
}) {
  const { timeZone } = useSession()
  const check = useQuery(verificationQuery)
  const isRunning = check.isFetching
  return (
    <Panel
      title="Is the log whole?"
      hint="Recomputes the hash of every entry and every link, and checks each signed head: those in the database, and those in the file outside it."
      actions={
        <Button
          size="xs"
          h={30}
          leftSection={<IconShieldCheck size={15} />}
          loading={isRunning}
          onClick={() => void check.refetch().then(onDone)}
        >
          Verify
        </Button>
      }
    >
      <div className={text.form} aria-live="polite">
        {check.isError && <Problem error={check.error} />}
        {isRunning && !check.data && <Skeleton height={64} />}
        {check.data && (
          <Verdict verdict={check.data} at={new Date(check.dataUpdatedAt)} onOpen={onOpen} />
        )}
        {!check.data && !check.isError && !isRunning && (
          <p className={text.text}>
            {head === undefined
              ? 'It was not checked here yet.'
              : `It was not checked here yet. The newest signed head is of ${formatInstant(head.signedAt, timeZone)} and stands at ${formatCount(head.seq)} entries: ${head.chainHash}.`}
          </p>
        )}
      </div>
    </Panel>
  )
}

const faults: Readonly<Record<NonNullable<Verification['fault']>['kind'], string>> = {
  entry_changed: 'The entry there is not the one that was linked: somebody changed it.',
  entry_missing: 'The entry there is gone, and no rule removed it.',
  link_changed: 'The link there does not follow from the one before: somebody changed it.',
  link_missing: 'A position is left out there.',
  checkpoint_changed:
    'The signed head there is not signed by this hub’s key, or not of this chain.',
  chain_shortened:
    'A signed head lies beyond the end: the tail was cut, or an older copy restored.',
}

function Verdict({
  verdict: { fault, ...verdict },
  at,
  onOpen,
}: {
  verdict: Verification
  at: Date
  onOpen: (auditId: string) => void
}) {
  const auditId = fault?.auditId ?? null
  return (
    <>
      <p className={text.title}>
        {fault === null ? (
          <Badge tone="good">Whole</Badge>
        ) : (
          <Badge tone="bad">Broken at position {formatCount(fault.seq)}</Badge>
        )}
        <span className={text.soft}>
          checked <Moment at={at} />
        </span>
      </p>
      {fault !== null && (
        <p className={text.text}>
          <strong>{faults[fault.kind]}</strong> What stands before it holds. Do not change anything
          more; compare with a copy of the signed heads, and look for who had the database.
          {auditId !== null && (
            <>
              {' '}
              <Button size="compact-xs" variant="default" onClick={() => onOpen(auditId)}>
                Open the entry
              </Button>
            </>
          )}
        </p>
      )}
      <dl className={text.facts}>
        <div>
          <dt>Entries checked</dt>
          <dd>{formatCount(verdict.links)}</dd>
        </div>
        <div>
          <dt>Signed heads checked</dt>
          <dd>
            {formatCount(verdict.checkpoints)} here, {formatCount(verdict.outsideCheckpoints)} in
            the file outside
          </dd>
        </div>
        <div>
          <dt>Removed by their rule</dt>
          <dd>{formatCount(verdict.trimmed)}; their links hold</dd>
        </div>
        <div>
          <dt>Not linked yet</dt>
          <dd>{formatCount(verdict.unlinked)}</dd>
        </div>
        {fault === null && (
          <div>
            <dt>Head of the chain</dt>
            <dd className={text.id}>
              {formatCount(verdict.headSeq)}: {verdict.headHash}
            </dd>
          </div>
        )}
      </dl>
    </>
  )
}
