"""Continue training the encoder; as `lookbook train`."""

import sys

from lookbook.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
