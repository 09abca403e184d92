"""``python -m infra.grafana.build``: writes the dashboards' JSON, which Grafana provisions."""

import json
from pathlib import Path

from infra.grafana import api, field, load_test, pipelines, services

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = tuple(module.DASHBOARD for module in (services, api, pipelines, field, load_test))


def render() -> dict[Path, str]:
    """File and text of each dashboard; the same input gives the same bytes."""
    return {
        FOLDER / f"{dashboard.uid}.json": json.dumps(dashboard.as_json(), indent=2, ensure_ascii=False) + "\n"
        for dashboard in DASHBOARDS
    }


if __name__ == "__main__":
    for file, text in render().items():
        file.write_text(text)
