import type { ReactNode } from 'react'
import classes from './Table.module.css'

export interface Column<Row> {
  title: string
  cell: (row: Row) => ReactNode
  /** `end` for figures. */
  align?: 'end'
  /** Says what the column means, on hover. */
  hint?: string
  /** The cell that names the row. */
  isHeader?: boolean
}

/**
 * A table with a caption for screen readers. A link marked `data-row-link` in a row is what j and k move between, and it
 * covers the row for the mouse. Rows outside the view are not laid out, so that long lists stay quick.
 */
export function Table<Row>({
  caption,
  rows,
  columns,
  rowKey,
  empty,
  foot,
}: {
  caption: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  rowKey: (row: Row) => string
  empty: ReactNode
  /** Below the rows: totals, as cells in the order of the columns. */
  foot?: readonly ReactNode[]
}) {
  if (rows.length === 0) return <>{empty}</>
  return (
    // A table that is wider than the screen scrolls, and so takes the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className={classes.scroll} aria-label={caption} tabIndex={0}>
      <table className={classes.table}>
        <caption className="tl-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, align, hint }) => (
              <th key={title} scope="col" data-align={align} title={hint}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <Cell key={column.title} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
        {foot && (
          <tfoot>
            <tr>
              {foot.map((cell, i) => (
                <td key={columns[i]?.title ?? i} data-align={columns[i]?.align}>
                  {cell}
                </td>
              ))}
            </tr>
          </tfoot>
        )}
      </table>
    </section>
  )
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const content = column.cell(row)
  return column.isHeader ? (
    <th scope="row" data-align={column.align}>
      {content}
    </th>
  ) : (
    <td data-align={column.align}>{content}</td>
  )
}
