"""GET /: the way from this service to everything around it."""

from html import escape
from string import Template
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.services import Parts

router = APIRouter(include_in_schema=False)

_HERE: Final = (
    ("docs", "Try it: every route with a worked example"),
    ("model", "The model that answers"),
    ("ready", "Whether one answers"),
    ("openapi.json", "The document that clients are made from"),
    ("metrics", "Figures for Prometheus"),
)
_AROUND: Final = (
    ("ui", "Streamlit", "risks of patients and files, for people"),
    ("airflow", "Airflow", "ingestion, training, monitoring"),
    ("mlflow", "MLflow", "runs, reports, versions"),
    ("locust", "Locust", "load tests"),
    ("prometheus", "Prometheus", "figures, rules, alerts"),
    ("grafana", "Grafana", "dashboards; with Docker Compose"),
    ("alertmanager", "Alertmanager", "alerts that fire, silences"),
)
_PAGE: Final = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>30-day readmission risk</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
code { font-size: 1rem }
</style>
</head>
<body>
<h1>30-day readmission risk</h1>
<p>$state Not for clinical use: a demonstration on historical data.</p>
<h2>This service</h2>
<ul>$here</ul>
<h2>Around it</h2>
<ul>$around</ul>
</body>
</html>
""")


@router.get("/")
async def start(parts: Parts) -> HTMLResponse:
    """People who open the service's address want to see what there is; relative links work behind a proxy too."""
    model = parts.store.current
    state = (
        f"Version {escape(model.registered.version)} of {escape(model.registered.name)} answers."
        if model
        else "There is no model yet: run train_models_diabetes_simple in Airflow."
    )
    here = "".join(f'<li><a href="{path}"><code>/{path}</code></a> {escape(text)}</li>' for path, text in _HERE)
    around = "".join(
        f'<li><a href="{escape(getattr(parts.settings, f"{name}_public_url"))}">{title}</a>: {escape(text)}</li>'
        for name, title, text in _AROUND
    )
    return HTMLResponse(_PAGE.substitute(state=state, here=here, around=around))
