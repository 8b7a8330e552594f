import { Button } from '@mantine/core'
import { browserName } from '#core/browser-name.ts'
import { act } from '#console/api.ts'
import type { AccountParts } from '#console/pages/account/account.queries.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

type OwnSession = AccountParts['data']['sessions'][number]

/** Where one is signed in; any of it can be ended from here. */
export function SessionsPanel({ data, change }: AccountParts) {
  return (
    <Panel
      title="Sessions"
      hint="A session ends after half an hour without use, and after twelve hours in any case."
      flush
    >
      <Table
        caption="Where you are signed in"
        rows={data.sessions}
        columns={columnsOf(change)}
        rowKey={(session) => session.id}
        empty={null}
      />
    </Panel>
  )
}

function columnsOf(change: AccountParts['change']): Column<OwnSession>[] {
  return [
    {
      title: 'Browser',
      isHeader: true,
      cell: ({ browser, isThis }) => (
        <>
          {browserName(browser ?? '')} {isThis && <Badge tone="good">this one</Badge>}
        </>
      ),
    },
    { title: 'From', cell: ({ address }) => address ?? '–' },
    { title: 'Signed in by', cell: ({ methods }) => methods.join(' + ') },
    { title: 'Since', cell: ({ createdAt }) => <Moment at={createdAt} /> },
    { title: 'Last seen', cell: ({ lastSeenAt }) => <Moment at={lastSeenAt} /> },
    {
      title: 'End',
      align: 'end',
      cell: ({ id, isThis, browser }) =>
        isThis ? null : (
          <Button
            size="xs"
            variant="subtle"
            color="red"
            aria-label={`End the session in ${browserName(browser ?? '')}`}
            onClick={() =>
              change(
                () => act('DELETE', `/api/v1/account/sessions/${id}`),
                'The session has ended.',
              )
            }
          >
            End
          </Button>
        ),
    },
  ]
}
