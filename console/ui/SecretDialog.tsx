import { Button, CopyButton, Modal } from '@mantine/core'
import text from './Text.module.css'

/** A secret that the hub shows this once; nothing closes it by accident. */
export function SecretDialog({
  title,
  secret,
  children,
  onClose,
}: {
  title: string
  /** Null: nothing to show. */
  secret: string | null
  /** Where it goes. */
  children: React.ReactNode
  onClose: () => void
}) {
  return (
    <Modal
      opened={secret !== null}
      onClose={onClose}
      title={title}
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
    >
      <div className={text.form}>
        <p className={text.text}>{children} It is shown this once and cannot be read again.</p>
        <code className={text.secret}>{secret}</code>
        <div className={text.row}>
          <CopyButton value={secret ?? ''}>
            {({ copied, copy }) => <Button onClick={copy}>{copied ? 'Copied' : 'Copy'}</Button>}
          </CopyButton>
          <Button variant="default" onClick={onClose}>
            I have it
          </Button>
        </div>
      </div>
    </Modal>
  )
}
