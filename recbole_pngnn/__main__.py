"""``python -m recbole_pngnn``: the command of :mod:`recbole_pngnn.cli`."""

import sys

from recbole_pngnn.cli import main

sys.exit(main())
