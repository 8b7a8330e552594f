import { useLocalStorage } from '@mantine/hooks'
import { useEffect, useRef } from 'react'

export interface Shortcut {
  /** One key (`?`, `j`) or two in a row (`g h`). */
  keys: string
  label: string
  run: () => void
}

/** The second key of a pair has to follow within this time. */
const PAIR_MS = 1200

/** Single keys can be switched off, as speech input and slips of the hand set them off (WCAG 2.1.4). */
export function useShortcutsSwitch() {
  return useLocalStorage({ key: 'throughline.shortcuts', defaultValue: true })
}

/** Listens for the shortcuts while the component is shown; not while someone types, nor behind a dialog. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const [isOn] = useShortcutsSwitch()
  const latest = useRef(shortcuts)
  useEffect(() => {
    latest.current = shortcuts
  })
  useEffect(() => {
    if (!isOn) return
    let first: { key: string; atMs: number } | null = null
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !isPlainKey(event) || isTyping(event.target) || isDialogOpen())
        return
      const pair =
        first && event.timeStamp - first.atMs < PAIR_MS ? `${first.key} ${event.key}` : null
      const hit =
        latest.current.find(({ keys }) => keys === pair) ??
        latest.current.find(({ keys }) => keys === event.key)
      first = hit ? null : { key: event.key, atMs: event.timeStamp }
      if (!hit) return
      event.preventDefault()
      hit.run()
    }
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [isOn])
}

function isPlainKey(event: KeyboardEvent): boolean {
  return !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing
}

function isTyping(target: EventTarget | null): boolean {
  // A box that was just ticked takes no letters: keys go on from there.
  if (target instanceof HTMLInputElement && target.type === 'checkbox') return false
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  )
}

function isDialogOpen(): boolean {
  return document.querySelector('[role="dialog"][aria-modal="true"]') !== null
}

/** Moves the focus to the next or the last row link on the page; from nowhere, to the first. */
export function moveRow(step: 1 | -1): void {
  const scope = document.querySelector('[role="dialog"][aria-modal="true"]') ?? document
  const rows = [...scope.querySelectorAll<HTMLElement>('[data-row-link]')]
  const at = rows.findIndex((row) => row === document.activeElement)
  const next = at === -1 ? rows[step === 1 ? 0 : rows.length - 1] : rows[at + step]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}
