"""``python -m infra.grafana.build``: writes the dashboards as the JSON that Grafana provisions."""

import json
import logging
from pathlib import Path

from infra.grafana import field, load_test, model, pipelines, services

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = tuple(room.DASHBOARD for room in (services, model, pipelines, field, load_test))

logger = logging.getLogger(__name__)


def rendered() -> dict[Path, str]:
    """Each dashboard's file and text; the same input gives the same bytes."""
    return {
        FOLDER / f"{dashboard.uid}.json": json.dumps(dashboard.as_json(), indent=2, ensure_ascii=False) + "\n"
        for dashboard in DASHBOARDS
    }


def main() -> None:
    """Write what is new or changed."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    FOLDER.mkdir(exist_ok=True)
    for file, text in rendered().items():
        file.write_text(text)
        logger.info("%s written", file.name)


if __name__ == "__main__":
    main()
