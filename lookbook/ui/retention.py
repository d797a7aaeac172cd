"""How long the site keeps what a visitor leaves on the server, in seconds.

Events are kept until their visitor forgets them, at most as long as `--keep-events` says
(`lookbook.events.retention`); generations of an index as many as
`lookbook.index.publishing.prune` keeps.
"""

UPLOAD_TTL = 10  # an upload after it was read: the page has fetched it by then
ORPHAN_TTL = 120  # an upload that is never searched with
PAGE_STATE_TTL = 3600  # the query of a page that is not used
CLOSED_PAGE_TTL = 600  # the state of a page after it was closed
