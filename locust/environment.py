"""Variables of the environment, and below them what ``.env`` of the repository says."""

import os
from collections.abc import Mapping
from typing import Final

from dotenv import dotenv_values, find_dotenv

VARIABLES: Final[Mapping[str, str | None]] = {**dotenv_values(find_dotenv()), **os.environ}
