"""The commands of the READMEs, as a reader would type them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def commands(page: str = "README.md") -> list[str]:
    """Every command of the bash blocks, one entry each, comments left out."""
    blocks = re.findall(r"^```bash\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    joined = "".join(blocks).replace("\\\n", " ")
    bare = (re.sub(r"\s+#\s.*$", "", text) for text in joined.splitlines())
    return [re.sub(r"\s+", " ", line).strip() for line in bare if line.strip()]


def with_ports(command: str, ports: dict[int, int]) -> str:
    """The command for a stack whose default ports were moved."""
    return re.sub(r"localhost:(\d+)", lambda match: f"localhost:{ports[int(match[1])]}", command)
