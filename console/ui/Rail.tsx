import { ActionIcon, Kbd, Menu, Tooltip, UnstyledButton } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import {
  IconBook2,
  IconKeyboard,
  IconLock,
  IconLogout,
  IconSearch,
  IconSelector,
  IconShieldLock,
} from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useLocation, useNavigate } from '@tanstack/react-router'
import { signOut, useSession } from '#console/session.ts'
import { Mark } from '#console/ui/Mark.tsx'
import { rail, type RailItem } from '#console/ui/rail-items.ts'
import { SchemeSwitch } from '#console/ui/SchemeSwitch.tsx'
import classes from './Rail.module.css'

/** The way around: the workspace above, the pages by group, the person's own things below. */
export function Rail({ onHelp, onPalette }: { onHelp: () => void; onPalette: () => void }) {
  return (
    <div className={classes.rail}>
      <WorkspaceMenu />
      <UnstyledButton className={classes.search} onClick={onPalette}>
        <IconSearch size={15} stroke={1.8} aria-hidden />
        <span>Go to…</span>
        <span className={classes.searchKeys} aria-hidden>
          <Kbd size="xs">{modKey()}</Kbd> <Kbd size="xs">K</Kbd>
        </span>
      </UnstyledButton>
      <nav aria-label="Pages" className={classes.groups}>
        {rail.map((group) => (
          <div key={group.label ?? 'top'} className={classes.group}>
            {group.label !== null && (
              <h2 id={`rail-${group.label}`} className={classes.heading}>
                {group.label}
              </h2>
            )}
            <ul
              className={classes.items}
              {...(group.label !== null ? { 'aria-labelledby': `rail-${group.label}` } : {})}
            >
              {group.items.map((item) => (
                <li key={item.to}>
                  <RailLink item={item} />
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <div className={classes.foot}>
        <SchemeSwitch />
        <div className={classes.tools}>
          <Tooltip label="Keyboard help (?)">
            <ActionIcon variant="subtle" color="gray" aria-label="Keyboard help" onClick={onHelp}>
              <IconKeyboard size={17} stroke={1.7} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="API documentation">
            <ActionIcon
              component="a"
              href="/docs"
              variant="subtle"
              color="gray"
              aria-label="API documentation"
            >
              <IconBook2 size={17} stroke={1.7} />
            </ActionIcon>
          </Tooltip>
        </div>
      </div>
    </div>
  )
}

const paths = rail.flatMap(({ items }) => items.map(({ to }) => to))

function RailLink({ item }: { item: RailItem }) {
  const { can } = useSession()
  const isOpen = item.scopes.some(can)
  const path = useLocation({ select: ({ pathname }) => pathname })
  // The address of Identity lies under that of People: only the narrower one is lit.
  const isOfNarrower = paths.some((to) => to.startsWith(`${item.to}/`) && path.startsWith(to))
  const needs = `needs the scope ${item.scopes.join(' or ')}`
  return (
    <Link
      to={item.to}
      className={classes.link}
      activeProps={{ className: classes.active, 'aria-current': 'page' }}
      activeOptions={{ exact: item.to === '/' || isOfNarrower, includeSearch: false }}
    >
      <item.icon size={17} stroke={1.7} />
      <span>{item.label}</span>
      {!isOpen && (
        <span className={classes.locked} title={`Locked for you: ${needs}`}>
          <IconLock size={13} aria-hidden />
          <span className="tl-hidden">(locked: {needs})</span>
        </span>
      )}
    </Link>
  )
}

function WorkspaceMenu() {
  const { name, currency, timeZone, principal } = useSession()
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const leave = () =>
    signOut().then(
      () => {
        queryClient.clear()
        return navigate({ to: '/signed-out' })
      },
      (error: unknown) =>
        notifications.show({
          color: 'red',
          title: 'You are still signed in',
          message: error instanceof Error ? error.message : 'Try again.',
        }),
    )
  return (
    <Menu position="bottom-start" width={232} shadow="md">
      <Menu.Target>
        <UnstyledButton className={classes.workspace} aria-label={`Workspace ${name}`}>
          <Mark size={24} />
          <span className={classes.workspaceName} title={name}>
            {name}
          </span>
          <IconSelector size={14} stroke={1.8} className={classes.workspaceIcon} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          Figures in {currency} · days in {timeZone}
        </Menu.Label>
        <Menu.Label>
          {principal.kind === 'user' ? 'Signed in' : 'With an API key'} · {principal.scopes.length}{' '}
          scopes
        </Menu.Label>
        <Menu.Divider />
        {principal.kind === 'user' && (
          <Menu.Item
            leftSection={<IconShieldLock size={15} />}
            onClick={() => void navigate({ to: '/account' })}
          >
            Your sign-in
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void leave()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

/** The palette's key as the keyboard at hand shows it. */
export function modKey(): string {
  return /mac|iphone|ipad/i.test(navigator.userAgent) ? '⌘' : 'Ctrl'
}
