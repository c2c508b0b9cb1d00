"""RecBole's command line with this plugin's models: ``python run_recbole.py --model=PNGNN``."""

import sys

from recbole_pngnn.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
