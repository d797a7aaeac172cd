"""Serve the site; as `lookbook app`."""

import sys

from lookbook.commands.app import main

if __name__ == "__main__":
    sys.exit(main())
