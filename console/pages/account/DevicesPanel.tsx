import { Button } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { act } from '#console/api.ts'
import type { AccountParts } from '#console/pages/account/account.queries.ts'
import { Badge, type Tone } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

type OwnDevice = AccountParts['data']['devices'][number]

const standings: Readonly<Record<OwnDevice['standing'], { label: string; tone: Tone }>> = {
  new: { label: 'new', tone: 'warn' },
  known: { label: 'known', tone: 'info' },
  confirmed: { label: 'confirmed', tone: 'good' },
}

/** The browsers that one signed in from. What one does not know goes from here, and its sessions with it. */
export function DevicesPanel({ data, change, confirm }: AccountParts) {
  const queryClient = useQueryClient()
  const confirmThis = () =>
    confirm('A code or a passkey confirms this device.', () =>
      queryClient.invalidateQueries({ queryKey: ['account'] }),
    )
  return (
    <Panel
      title="Devices"
      hint="Browsers that you signed in from. One is known after a week, and confirmed once you used a second factor there; rules of the workspace may ask for that. After a year without use it is forgotten."
      flush
    >
      <Table
        caption="Browsers that you signed in from"
        rows={data.devices}
        columns={columnsOf(change, confirmThis)}
        rowKey={(device) => device.id}
        empty={<EmptyState title="No device yet">Each sign-in from a browser adds it.</EmptyState>}
      />
    </Panel>
  )
}

function columnsOf(change: AccountParts['change'], confirmThis: () => void): Column<OwnDevice>[] {
  return [
    {
      title: 'Browser',
      isHeader: true,
      cell: ({ name, isThis }) => (
        <>
          {name} {isThis && <Badge tone="good">this one</Badge>}
        </>
      ),
    },
    {
      title: 'Standing',
      cell: ({ standing }) => (
        <Badge tone={standings[standing].tone}>{standings[standing].label}</Badge>
      ),
    },
    { title: 'First seen', cell: ({ firstSeenAt }) => <Moment at={firstSeenAt} /> },
    { title: 'Last seen', cell: ({ lastSeenAt }) => <Moment at={lastSeenAt} /> },
    {
      title: 'Confirmed',
      cell: ({ confirmedAt }) => (confirmedAt === null ? 'Never' : <Moment at={confirmedAt} />),
    },
    {
      title: 'Change',
      align: 'end',
      cell: ({ id, name, isThis, standing }) =>
        !isThis ? (
          <Button
            size="xs"
            variant="subtle"
            color="red"
            aria-label={`Forget ${name}`}
            onClick={() =>
              change(
                () => act('DELETE', `/api/v1/account/devices/${id}`),
                'The device is forgotten, and its sessions have ended.',
              )
            }
          >
            Forget
          </Button>
        ) : standing === 'confirmed' ? null : (
          <Button size="xs" variant="subtle" onClick={confirmThis}>
            Confirm…
          </Button>
        ),
    },
  ]
}
