import { Button, Loader } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { ApiProblem } from '#console/api.ts'
import { signIn } from '#console/session.ts'
import { Door, HowToGetALink } from '#console/pages/access/Door.tsx'

/**
 * Where a sign-in link leads. Its token stands after `#`, which browsers send to no server and proxies never log; it is
 * taken out of the address before anything else happens.
 */
export function SignInPage() {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const started = useRef('')
  const [token, setToken] = useState(() => window.location.hash.slice(1))
  const [fault, setFault] = useState(token === '' ? 'This address holds no sign-in link.' : null)

  // A link that is pasted over this very page changes nothing but what stands after `#`.
  useEffect(() => {
    const takeLink = () => {
      const pasted = window.location.hash.slice(1)
      if (pasted === '') return
      setFault(null)
      setToken(pasted)
    }
    window.addEventListener('hashchange', takeLink)
    return () => window.removeEventListener('hashchange', takeLink)
  }, [])

  useEffect(() => {
    if (token === '' || started.current === token) return
    started.current = token
    window.history.replaceState(null, '', '/sign-in')
    signIn(token).then(
      () => {
        queryClient.clear()
        return navigate({ to: '/', replace: true })
      },
      (error: unknown) =>
        setFault(error instanceof ApiProblem ? error.message : 'The sign-in failed. Try again.'),
    )
  }, [token, navigate, queryClient])

  if (fault === null) {
    return (
      <Door title="Signing you in">
        <Loader size="sm" aria-label="Signing in" />
      </Door>
    )
  }
  return (
    <Door title="This link does not sign you in">
      <p role="alert">{fault}</p>
      <HowToGetALink />
      <Button variant="default" onClick={() => void navigate({ to: '/' })}>
        I am signed in already
      </Button>
    </Door>
  )
}
