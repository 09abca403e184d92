"""``python -m ml``."""

from ml.cli.main import main

main()
