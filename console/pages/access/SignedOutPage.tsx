import { Door, HowToGetALink } from '#console/pages/access/Door.tsx'
import { SignInForm } from '#console/pages/access/SignInForm.tsx'

/** Where everyone without a session ends up. */
export function SignedOutPage() {
  return (
    <Door title="You are signed out">
      <SignInForm />
      <p>Without a password yet, come in by a link. It works once, within 15 minutes.</p>
      <HowToGetALink />
    </Door>
  )
}
