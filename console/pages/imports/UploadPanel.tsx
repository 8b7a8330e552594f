import { Button, FileInput, Select, Skeleton } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { formatShare } from '#console/format.ts'
import { formatBytes } from '#console/pages/imports/import-words.ts'
import { targetsQuery, uploadImport, type Targets } from '#console/pages/imports/imports.queries.ts'
import { useSession } from '#console/session.ts'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

/** Choosing a file and what its rows are; the page of the import opens once it has arrived. */
export function UploadPanel() {
  const { can } = useSession()
  const targets = useQuery(targetsQuery)
  const missing = ['imports:write', 'people:reveal'].find((scope) => !can(scope))
  return (
    <Panel
      title="Import a file"
      hint={
        targets.data &&
        `CSV in any encoding and with any delimiter, also compressed by gzip; at most ${formatBytes(targets.data.maxBytes)}. Nothing is imported before you start it.`
      }
    >
      {missing !== undefined && <LockedNote what="Uploading" scope={missing} />}
      {missing === undefined && targets.isError && <Problem error={targets.error} />}
      {missing === undefined && targets.isPending && <Skeleton height={60} />}
      {missing === undefined && targets.data && <Upload targets={targets.data} />}
    </Panel>
  )
}

function Upload({ targets: { data, maxBytes } }: { targets: Targets }) {
  const { can } = useSession()
  const navigate = useNavigate()
  const offered = data.filter(({ scope }) => scope === null || can(scope))
  const [target, setTarget] = useState(offered[0]?.name ?? null)
  const [file, setFile] = useState<File | null>(null)
  const [sent, setSent] = useState<number | null>(null)
  const [fault, setFault] = useState<Error | null>(null)
  const stop = useRef<AbortController>(null)
  const isTooLarge = file !== null && file.size > maxBytes
  const send = async (chosen: File, as: string) => {
    const controller = new AbortController()
    stop.current = controller
    setFault(null)
    setSent(0)
    try {
      const importId = await uploadImport(as, chosen, setSent, controller.signal)
      await navigate({ to: '/imports/$importId', params: { importId } })
    } catch (error) {
      if (!controller.signal.aborted)
        setFault(error instanceof Error ? error : new Error(String(error)))
    } finally {
      setSent(null)
    }
  }
  return (
    <form
      className={text.form}
      onSubmit={(event) => {
        event.preventDefault()
        if (file !== null && target !== null) void send(file, target)
      }}
    >
      <div className={text.fields}>
        <Select
          label="Its rows are"
          data={offered.map(({ name, label }) => ({ value: name, label }))}
          value={target}
          allowDeselect={false}
          disabled={sent !== null}
          onChange={setTarget}
        />
        <FileInput
          label="File"
          placeholder="Choose a file"
          accept=".csv,.tsv,.txt,.gz,text/csv"
          clearable
          clearButtonProps={{ 'aria-label': 'Take the file away' }}
          value={file}
          disabled={sent !== null}
          error={
            isTooLarge &&
            `It has ${formatBytes(file.size)}, ${formatBytes(maxBytes)} are taken: compress it by gzip, or divide it.`
          }
          onChange={setFile}
        />
      </div>
      {fault !== null && <Problem error={fault} />}
      <div className={text.row}>
        {sent === null ? (
          <Button
            type="submit"
            size="sm"
            leftSection={<IconUpload size={15} />}
            disabled={file === null || target === null || isTooLarge}
          >
            Upload
          </Button>
        ) : (
          <>
            <output>
              <Meter share={sent}>
                {sent < 1 ? `${formatShare(sent)} sent` : 'The hub looks at it'}
              </Meter>
            </output>
            <Button size="xs" variant="default" onClick={() => stop.current?.abort()}>
              Stop
            </Button>
          </>
        )}
      </div>
    </form>
  )
}
