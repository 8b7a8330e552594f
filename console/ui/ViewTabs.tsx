import { Tabs } from '@mantine/core'
import type { ReactNode } from 'react'
import { useSession } from '#console/session.ts'
import { LockedPane } from '#console/ui/LockedPane.tsx'

export interface View<Name extends string> {
  value: Name
  label: string
  /** Without it the view says so and asks for nothing. */
  scope: string
}

/** The views of a page; which one is open stands in the address. */
export function ViewTabs<Name extends string>({
  label,
  views,
  value,
  onChange,
  children,
}: {
  label: string
  views: readonly View<Name>[]
  value: Name
  onChange: (view: Name) => void
  children: (view: Name) => ReactNode
}) {
  const { can } = useSession()
  return (
    <Tabs
      value={value}
      keepMounted={false}
      onChange={(next) => {
        const chosen = views.find((view) => view.value === next)
        if (chosen) onChange(chosen.value)
      }}
    >
      <Tabs.List aria-label={label} mb={20}>
        {views.map((view) => (
          <Tabs.Tab key={view.value} value={view.value}>
            {view.label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {views.map((view) => (
        <Tabs.Panel key={view.value} value={view.value}>
          {can(view.scope) ? (
            children(view.value)
          ) : (
            <LockedPane what={view.label} scope={view.scope} />
          )}
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}
