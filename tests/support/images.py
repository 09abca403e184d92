"""The pictures of the README, from the screenshots of the last end-to-end run: ``make images``."""

import sys
from typing import Final

from PIL import Image

from tests.support.native import ROOT

SHOWN: Final = {
    "predict": "ui-result",
    "model": "ui-model-light",
    "monitoring": "ui-monitoring-light",
    "overview": "ui-overview-light",
}
"""Name in ``docs/images``, and the screenshot it is made of."""
WIDTH: Final = 900
RATIO: Final = 0.75
"""Of height to width: long pages are cut below."""
COLOURS: Final = 255


def main() -> None:
    """Make each small; say which screenshot is missing."""
    target = ROOT / "docs" / "images"
    target.mkdir(exist_ok=True)
    for name, screenshot in SHOWN.items():
        source = ROOT / "build" / "screenshots" / f"{screenshot}.png"
        if not source.exists():
            sys.exit(f"{source.name} is missing: make e2e takes it.")
        with Image.open(source) as picture:
            cut = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, round(picture.width * RATIO))))
            small = cut.resize((WIDTH, round(cut.height * WIDTH / cut.width)), Image.Resampling.LANCZOS)
            small.quantize(COLOURS).save(target / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
