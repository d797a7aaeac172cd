"""Index a catalogue of pictures; as `lookbook embed`."""

import sys

from lookbook.commands.embed import main

if __name__ == "__main__":
    sys.exit(main())
