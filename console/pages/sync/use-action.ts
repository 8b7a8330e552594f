import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ApiProblem } from '#console/api.ts'

/** A change: tells what came of it, and reads everything of its area again. */
export function useAction<Result>(
  perform: () => Promise<Result>,
  done: string | ((result: Result) => string),
  area = 'sync',
) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: perform,
    onSuccess(result) {
      notifications.show({
        color: 'green',
        message: typeof done === 'string' ? done : done(result),
      })
      return queryClient.invalidateQueries({ queryKey: [area] })
    },
    onError(error) {
      const isKnown = error instanceof ApiProblem
      notifications.show({
        color: 'red',
        autoClose: false,
        title: isKnown ? error.title : 'It did not work',
        message: isKnown
          ? `${error.message}${error.requestId === null ? '' : ` (request ${error.requestId})`}`
          : error.message,
      })
    },
  })
}
