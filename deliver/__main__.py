"""`python -m deliver`."""

import sys

from deliver.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
