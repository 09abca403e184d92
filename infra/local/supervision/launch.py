"""Become one of the stack's programs: read its description, add its secrets, and exec it.

The supervisor runs ``python -m infra.local.supervision.launch .local/run/<program>.json``. Secrets so never stand in
the supervisor's configuration or in a command line: the description holds only their names, in braces.
"""

import json
import os
import sys
from pathlib import Path


def environment_of(description: dict[str, dict[str, str]], secrets_dir: Path) -> dict[str, str]:
    """The program's own variables, with the secrets filled in."""
    filled = dict(description["environment"])
    for variable, template in description["secret_environment"].items():
        name = template[template.index("{") + 1 : template.index("}")]
        filled[variable] = template.replace(f"{{{name}}}", (secrets_dir / name).read_text().strip())
    return filled


def main(path: Path) -> None:
    """Replace this process by the program."""
    description = json.loads(path.read_text())
    try:
        environment = environment_of(description, Path(description["secrets_dir"]))
    except FileNotFoundError as error:
        name = Path(error.filename).name
        sys.exit(f"Secret {name} is missing: make up says what to do.")
    command = description["command"]
    os.execvpe(command[0], command, os.environ | environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(Path(sys.argv[1]))
