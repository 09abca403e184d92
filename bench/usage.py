"""Runs a command and prints what it and its descendants used, as JSON: ``python bench/usage.py COMMAND ...``.

A process of its own: Linux counts the memory of the process that starts a command as the command's.
"""

import json
import resource
import subprocess
import sys


def main() -> None:
    """Run the command, whose output goes to standard error."""
    status = subprocess.call(sys.argv[1:], stdout=sys.stderr)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    print(json.dumps({"status": status, "processor_seconds": seconds, "peak_mb": used.ru_maxrss * 1024 / 10**6}))


if __name__ == "__main__":
    main()
