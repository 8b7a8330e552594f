import text from './Text.module.css'

/** Text as it stands, line by line. Long ones scroll, and so take the keyboard. */
export function CodeBlock({ label, children }: { label: string; children: string }) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className={text.code} tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}
