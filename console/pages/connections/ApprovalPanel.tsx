import { Button, Group, Skeleton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { formatWord } from '#console/format.ts'
import { approvalStates } from '#console/pages/connections/connection-words.ts'
import {
  approvalQuery,
  AREA,
  refuseConnection,
  signConnection,
  type Signature,
} from '#console/pages/connections/connections.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Whether a connection is approved as it stands. */
export function ApprovalBadge({ connectionId }: { connectionId: string }) {
  const approval = useQuery(approvalQuery(connectionId))
  if (approval.isError)
    return (
      <Badge tone="plain" title={approval.error.message}>
        Approval not known
      </Badge>
    )
  if (!approval.data) return <Skeleton height={20} width={90} />
  // Where this hub asks for no signatures there is nothing to tell.
  if (approval.data.signatures.length === 0) return null
  const { label, tone } = approvalStates[approval.data.state]
  return <Badge tone={tone}>{label}</Badge>
}

/** Who signs a connection, domain by domain. */
export function ApprovalPanel({ connectionId }: { connectionId: string }) {
  const approval = useQuery(approvalQuery(connectionId))
  if (approval.data?.signatures.length === 0) return null
  return (
    <Panel
      title="Approval"
      hint="Each domain that the connection touches signs it. Another mapping, direction or setting asks again; until all have signed, nothing is read or written."
      flush
    >
      {approval.isError && <Problem error={approval.error} />}
      {approval.isPending && <Skeleton height={120} m={18} w="auto" />}
      {approval.data && (
        <Table
          caption="Signatures of the domains"
          rows={approval.data.signatures}
          columns={columnsOf(connectionId)}
          rowKey={({ domain }) => domain}
          empty={null}
        />
      )}
    </Panel>
  )
}

function columnsOf(connectionId: string): Column<Signature>[] {
  return [
    { title: 'Domain', isHeader: true, cell: ({ domain }) => formatWord(domain) },
    {
      title: 'State',
      cell: ({ approvedAt, refusal }) =>
        refusal ? (
          <span className={text.wrapped}>
            <Badge tone="bad">Refused</Badge> {refusal.reason}
          </span>
        ) : (
          <Badge tone={approvedAt ? 'good' : 'warn'}>{approvedAt ? 'Signed' : 'Not yet'}</Badge>
        ),
    },
    {
      title: 'By',
      cell: ({ approvedBy, refusal }) => (
        <span className={text.id}>{approvedBy ?? refusal?.by ?? '—'}</span>
      ),
    },
    {
      title: 'When',
      cell: ({ approvedAt, refusal }) => <Moment at={approvedAt ?? refusal?.at ?? null} />,
    },
    {
      title: 'Decide',
      align: 'end',
      cell: (signature) => <Decide connectionId={connectionId} signature={signature} />,
    },
  ]
}

function Decide({ connectionId, signature }: { connectionId: string; signature: Signature }) {
  const { can } = useSession()
  const [isRefusing, refusing] = useDisclosure()
  const change = useChange(AREA)
  const { domain, approvedAt, refusal } = signature
  const scope = `${domain}:approve`
  const may = can(scope)
  return (
    <Permitted isPermitted={may} scope={scope}>
      <Group gap={4} justify="flex-end" wrap="nowrap" display="inline-flex">
        {approvedAt === null && (
          <Button
            size="xs"
            variant="default"
            disabled={!may}
            loading={change.isBusy}
            onClick={() =>
              change.run(() => signConnection(connectionId, domain), `Signed for ${domain}.`)
            }
          >
            Sign for {domain}
          </Button>
        )}
        {refusal === null && (
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            disabled={!may}
            onClick={refusing.open}
            aria-label={`Refuse for ${domain}`}
          >
            Refuse…
          </Button>
        )}
      </Group>
      <ConfirmDialog
        opened={isRefusing}
        onClose={refusing.close}
        title={`Refuse for ${domain}`}
        confirm="Refuse"
        isGrave
        reason={{
          label: 'Reason',
          description: 'What has to change first. Everybody who sees the connection reads it.',
          required: true,
        }}
        isBusy={change.isBusy}
        onConfirm={(reason) =>
          change.run(
            () => refuseConnection(connectionId, domain, reason),
            `Refused for ${domain}.`,
            refusing.close,
          )
        }
      >
        <p className={text.text}>
          Nothing is read or written any more until {domain} signs. What changes meanwhile waits and
          is not lost.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </Permitted>
  )
}
