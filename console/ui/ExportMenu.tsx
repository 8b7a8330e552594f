import { Button, Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import {
  IconBraces,
  IconDownload,
  IconFileTypeCsv,
  IconLink,
  IconTerminal2,
} from '@tabler/icons-react'
import { withQuery, type QueryFields } from '#console/api.ts'

/** What a table or a figure was asked for with: the export asks the same. */
export interface Export {
  path: string
  fields: QueryFields
  /** Lists have CSV; single answers only JSON. */
  isList?: boolean
}

/** Takes away what is on the page, under the same filters: as CSV, as JSON, as the call that gives it, as a link. */
export function ExportMenu({ path, fields, isList = true }: Export) {
  const json = withQuery(path, fields)
  const copy = (text: string, what: string) =>
    navigator.clipboard.writeText(text).then(
      () => notifications.show({ message: `${what} copied.` }),
      () => notifications.show({ color: 'red', message: `${what} could not be copied: ${text}` }),
    )
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <Button
          size="xs"
          h={30}
          variant="default"
          leftSection={<IconDownload size={15} stroke={1.8} />}
        >
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {isList && (
          <Menu.Item
            component="a"
            href={withQuery(path, { ...fields, format: 'csv' })}
            leftSection={<IconFileTypeCsv size={15} />}
          >
            CSV, all rows
          </Menu.Item>
        )}
        <Menu.Item
          component="a"
          href={json}
          target="_blank"
          rel="noreferrer"
          leftSection={<IconBraces size={15} />}
        >
          JSON, in a new tab
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconTerminal2 size={15} />}
          onClick={() =>
            void copy(
              `curl -H "Authorization: Bearer $THROUGHLINE_KEY" '${window.location.origin}${json}'`,
              'The API call',
            )
          }
        >
          Copy the API call
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLink size={15} />}
          onClick={() => void copy(window.location.href, 'The link')}
        >
          Copy a link to this view
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
