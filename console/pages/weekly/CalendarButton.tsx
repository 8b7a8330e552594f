import { Button, Modal } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconCalendar } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { CodeBlock } from '#console/ui/CodeBlock.tsx'
import text from '#console/ui/Text.module.css'

/** How the meetings about the reports come into a calendar, with the agenda of each. */
export function CalendarButton() {
  const [isOpen, dialog] = useDisclosure()
  return (
    <>
      <Button
        size="xs"
        h={30}
        variant="default"
        leftSection={<IconCalendar size={15} stroke={1.8} />}
        onClick={dialog.open}
      >
        Calendar…
      </Button>
      <Modal
        opened={isOpen}
        onClose={dialog.close}
        title="The meetings in your calendar"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <div className={text.form}>
          <p className={text.text}>
            Subscribe to this address in a calendar program: half an hour every Monday at nine, with
            the agenda. A calendar cannot sign in, so the address holds a key. Make one with the
            scope <code>performance:read</code> and nothing else under{' '}
            <Link to="/access" search={{ view: 'keys' }} className="tl-link">
              Access
            </Link>
            , and treat the address as a secret.
          </p>
          <CodeBlock label="Address of the calendar">
            {`${window.location.origin}/api/v1/reports/weekly.ics?key=YOUR_KEY`}
          </CodeBlock>
        </div>
      </Modal>
    </>
  )
}
