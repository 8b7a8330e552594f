import { notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useStepUp } from '#console/ui/StepUp.tsx'

export interface Change {
  /** @param after  once it is done, such as closing the dialog that asked for it. */
  run: <Result>(
    perform: () => Promise<Result>,
    done: string | ((result: Result) => string),
    after?: () => void,
  ) => void
  isBusy: boolean
  /** Stands beside what asks for the change: where it takes a fresh sign-in, it is asked for there. */
  dialog: ReactNode
}

/** A change that may take a fresh sign-in: tells what came of it, and reads everything of its area again. */
export function useChange(area: string): Change {
  const queryClient = useQueryClient()
  const stepUp = useStepUp()
  return {
    isBusy: stepUp.isBusy,
    dialog: stepUp.dialog,
    run: (perform, done, after) =>
      stepUp.run(async () => {
        const result = await perform()
        notifications.show({
          color: 'green',
          message: typeof done === 'string' ? done : done(result),
        })
        after?.()
        await queryClient.invalidateQueries({ queryKey: [area] })
      }),
  }
}
