import { Button, Skeleton, Textarea } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { AREA, addComment, commentsQuery, type Note } from '#console/pages/weekly/weekly.queries.ts'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { useChange } from '#console/ui/use-change.ts'
import classes from './Weekly.module.css'

/** What was said about the week, the oldest first. */
export function Comments({ reportId }: { reportId: string }) {
  const comments = useInfiniteQuery(commentsQuery(reportId))
  const rows = comments.data?.pages.flatMap(({ data }) => data) ?? []
  return (
    <Panel title="Comments" hint="Kept with the report; the figures stay as they are." flush>
      {comments.isError && <Problem error={comments.error} />}
      {comments.isPending && <Skeleton height={80} m={18} w="auto" />}
      {comments.data && rows.length === 0 && (
        <EmptyState title="Nobody has said anything yet">
          Write what the figures do not say: why a week was good, or what to look at.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <ol className={classes.comments} aria-label="Comments on the week">
          {rows.map((comment) => (
            <Comment key={comment.id} comment={comment} />
          ))}
        </ol>
      )}
      <MoreRows
        count={rows.length}
        what="comments"
        hasNextPage={comments.hasNextPage}
        isFetchingNextPage={comments.isFetchingNextPage}
        fetchNextPage={comments.fetchNextPage}
      />
      <NewComment reportId={reportId} />
    </Panel>
  )
}

function Comment({ comment: { body, createdAt, createdBy } }: { comment: Note }) {
  return (
    <li className={classes.comment}>
      <p className={classes.by}>
        <Moment at={createdAt} /> <OwnerName owner={createdBy} verb="by" />
      </p>
      <p className={classes.said}>
        <FieldValue value={body} />
      </p>
    </li>
  )
}

function NewComment({ reportId }: { reportId: string }) {
  const { can } = useSession()
  const [body, setBody] = useState('')
  const change = useChange(AREA)
  if (!can('reports:write')) return <LockedNote what="Commenting" scope="reports:write" />
  return (
    <form
      className={classes.newItem}
      onSubmit={(event) => {
        event.preventDefault()
        change.run(
          () => addComment(reportId, body.trim()),
          'Your comment is kept.',
          () => setBody(''),
        )
      }}
    >
      <div className={classes.grow}>
        <Textarea
          label="Your comment"
          autosize
          minRows={2}
          maxLength={4000}
          value={body}
          onChange={(event) => setBody(event.currentTarget.value)}
        />
      </div>
      <Button type="submit" variant="default" loading={change.isBusy} disabled={!body.trim()}>
        Comment
      </Button>
      {change.dialog}
    </form>
  )
}
