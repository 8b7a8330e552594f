import { Link } from '@tanstack/react-router'

/** To the preview of the data-driven model, from where it is published. */
export function PublishLink() {
  return (
    <Link
      to="/attribution"
      search={{ view: 'preview', after: 'method.data_driven' }}
      className="tl-link"
    >
      Preview and publish the data-driven model
    </Link>
  )
}
