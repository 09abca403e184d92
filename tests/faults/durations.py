"""How long the faults last: short in CI; ``make test-faults FAULT_SECONDS=300 SOAK_SECONDS=600`` is the full matrix."""

import os
from typing import Final

FAULT_SECONDS: Final = float(os.environ.get("FAULT_SECONDS", 20))
"""An outage."""

SOAK_SECONDS: Final = float(os.environ.get("SOAK_SECONDS", 45))
"""The load under which memory has to stay flat."""
