"""`ccci-prune WORD …`, and from a checkout `python -m ccci_host.agent WORD …`."""

import sys

from .words import main

if __name__ == "__main__":
    sys.exit(main())
