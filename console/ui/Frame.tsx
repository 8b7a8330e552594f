import { ActionIcon, Drawer } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { IconMenu2 } from '@tabler/icons-react'
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useSession } from '#console/session.ts'
import { moveRow, useShortcuts } from '#console/ui/keyboard.ts'
import { KeyboardHelp } from '#console/ui/KeyboardHelp.tsx'
import { Mark } from '#console/ui/Mark.tsx'
import { Palette } from '#console/ui/Palette.tsx'
import { Rail } from '#console/ui/Rail.tsx'
import { rail } from '#console/ui/rail-items.ts'
import classes from './Frame.module.css'

/** What stands around every page: the rail, the skip link, the shortcuts, the palette and the help. */
export function Frame() {
  const navigate = useNavigate()
  const { name } = useSession()
  const [isHelpOpen, help] = useDisclosure()
  const [isPaletteOpen, palette] = useDisclosure()
  const [isRailOpen, drawer] = useDisclosure()
  const main = useFocusOnNewPage(drawer.close)

  useHotkeys([['mod+K', palette.toggle]], [])
  useShortcuts([
    ...rail.flatMap((group) =>
      group.items.map(({ keys, label, to }) => ({
        keys,
        label: `Go to ${label}`,
        run: () => void navigate({ to }),
      })),
    ),
    { keys: '?', label: 'Keyboard help', run: help.open },
    { keys: 'j', label: 'Next row', run: () => moveRow(1) },
    { keys: 'k', label: 'Previous row', run: () => moveRow(-1) },
  ])

  const rest = { onHelp: help.open, onPalette: palette.open }
  return (
    <div className={classes.frame}>
      <a href="#main" className={classes.skip}>
        Skip to the content
      </a>
      <header className={classes.bar}>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label="Open navigation"
          onClick={drawer.open}
        >
          <IconMenu2 size={18} />
        </ActionIcon>
        <Mark size={22} />
        <span className={classes.barName}>{name}</span>
      </header>
      <Drawer
        opened={isRailOpen}
        onClose={drawer.close}
        size={260}
        title={<span className="tl-hidden">Navigation</span>}
        closeButtonProps={{ 'aria-label': 'Close navigation' }}
      >
        <Rail {...rest} />
      </Drawer>
      <aside aria-label="Navigation" className={classes.side}>
        <Rail {...rest} />
      </aside>
      <main id="main" ref={main} tabIndex={-1} className={classes.main}>
        <Outlet />
      </main>
      <KeyboardHelp opened={isHelpOpen} onClose={help.close} />
      <Palette opened={isPaletteOpen} onClose={palette.close} onHelp={help.open} />
    </div>
  )
}

/** A new page takes the focus, so that a screen reader and the tab key begin at its start. */
function useFocusOnNewPage(onNewPage: () => void) {
  const main = useRef<HTMLElement>(null)
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname })
  const previous = useRef(path)
  useEffect(() => {
    if (previous.current !== undefined && previous.current !== path) {
      onNewPage()
      // Who was quicker and is on the new page already stays where they are.
      const isThere = main.current?.contains(document.activeElement) === true
      if (!isThere) main.current?.focus({ preventScroll: true })
    }
    previous.current = path
  }, [path, onNewPage])
  return main
}
