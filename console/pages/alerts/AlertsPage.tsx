import { Tabs } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { AlertList } from '#console/pages/alerts/AlertList.tsx'
import { alertsExport } from '#console/pages/alerts/alerts.queries.ts'
import type { AlertsStatus } from '#console/pages/alerts/alerts.search.ts'
import { Channels } from '#console/pages/alerts/Channels.tsx'
import { Mutes } from '#console/pages/alerts/Mutes.tsx'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'

const route = getRouteApi('/frame/alerts')
const tabs: readonly { value: AlertsStatus; label: string }[] = [
  { value: 'open', label: 'Open' },
  { value: 'resolved', label: 'Over' },
]

/** What is wrong now and what was, and where it is told. */
export function AlertsPage() {
  const { can } = useSession()
  const { status = 'open' } = route.useSearch()
  const navigate = route.useNavigate()
  if (!can('alerts:read')) return <LockedPane what="Alerts" scope="alerts:read" />
  return (
    <>
      <PageHead
        title="Alerts"
        subtitle="Told once when something goes wrong, and once when it is over."
      />
      <Panel
        title="What is wrong"
        hint="An alert closes by itself when what it found is gone."
        actions={<ExportMenu {...alertsExport(status)} />}
        flush
      >
        <Tabs
          value={status}
          keepMounted={false}
          onChange={(next) => {
            const chosen = tabs.find(({ value }) => value === next)?.value
            const search = chosen === 'resolved' ? { status: chosen } : {}
            void navigate({ search, resetScroll: false })
          }}
        >
          <Tabs.List aria-label="Alerts by state" px={10}>
            {tabs.map(({ value, label }) => (
              <Tabs.Tab key={value} value={value}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {tabs.map(({ value }) => (
            <Tabs.Panel key={value} value={value}>
              <AlertList status={value} />
            </Tabs.Panel>
          ))}
        </Tabs>
      </Panel>
      <Mutes />
      <Channels />
    </>
  )
}
