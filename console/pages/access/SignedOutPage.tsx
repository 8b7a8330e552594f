import { Button } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { Door, HowToGetALink } from '#console/pages/access/Door.tsx'

/** Where everyone without a session ends up. */
export function SignedOutPage() {
  const navigate = useNavigate()
  return (
    <Door title="You are signed out">
      <p>The console opens with a sign-in link. It works once, within 15 minutes.</p>
      <HowToGetALink />
      <Button variant="default" onClick={() => void navigate({ to: '/' })}>
        Try again
      </Button>
    </Door>
  )
}
