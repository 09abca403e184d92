"""Replaces itself by a program of the stack, whose environment includes secrets.

The supervisor runs ``python -m infra.local.supervision.launch .local/run/<program>.json``. That file, which only its
owner can read, contains names of generated secrets in braces and no values; the program's part of ``.env`` is in it. So
neither the supervisor's configuration nor a command line contains a secret.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path


def program_environment(
    environment: Mapping[str, str], secret_environment: Mapping[str, str], secrets_dir: Path
) -> dict[str, str]:
    """Return all variables of a program, with the values of the secrets.

    Raises:
        FileNotFoundError: a secret does not exist.
    """
    variables = dict(environment)
    for variable, template in secret_environment.items():
        name = template[template.index("{") + 1 : template.index("}")]
        variables[variable] = template.replace(f"{{{name}}}", (secrets_dir / name).read_text().strip())
    return variables


def main(path: Path) -> None:
    """Replace this process by the program."""
    program = json.loads(path.read_text())
    try:
        environment = program_environment(
            program["environment"], program["secret_environment"], Path(program["secrets_dir"])
        )
    except FileNotFoundError as error:
        sys.exit(f"Secret {Path(error.filename).name} is missing: make up reports how to restore it.")
    command = program["command"]
    os.execvpe(command[0], command, os.environ | environment)  # noqa: S606 - no shell is needed


if __name__ == "__main__":
    main(Path(sys.argv[1]))
