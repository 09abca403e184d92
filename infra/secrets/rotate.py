"""Compose's half of a rotation of the signing key: ``docker compose run --rm secrets python -m infra.secrets.rotate``.

Only this container can write the key files. ``python -m ml rotate-signing-key``, in the container of the gate, then
signs with the new key what the former one approved.
"""

import argparse
import logging

from infra.secrets.distribute import ALL, distribute, log
from ml.core.names import PUBLIC_KEYS, SIGNING_KEY
from ml.core.signing.keys import retire_former_keys, rotate


def main() -> None:
    """Make a new key pair, or end the validity of the former keys."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m infra.secrets.rotate", description=main.__doc__)
    parser.add_argument("--retire", action="store_true", help="remove the former public keys instead")
    if parser.parse_args().retire:
        log.info("Removed public keys: %s", ", ".join(retire_former_keys(ALL / PUBLIC_KEYS)) or "none")
    else:
        log.info("The new signing key is %s.", rotate(ALL / SIGNING_KEY, ALL / PUBLIC_KEYS).id)
    distribute()


if __name__ == "__main__":
    main()
