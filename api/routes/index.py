"""GET /: start page with links to the routes and to the other services of the platform."""

from html import escape
from string import Template
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.services import ServicesDep

router = APIRouter(include_in_schema=False)

_ROUTES: Final = (
    ("docs", "Swagger UI: every route with an example"),
    ("model", "The served model"),
    ("ready", "Whether a model is loaded"),
    ("openapi.json", "OpenAPI document, for client generators"),
    ("metrics", "Metrics for Prometheus"),
)
_PLATFORM: Final = (
    ("ui", "Streamlit", "predictions for patients and files"),
    ("airflow", "Airflow", "ingestion, training, monitoring"),
    ("mlflow", "MLflow", "runs, reports, versions"),
    ("locust", "Locust", "load tests"),
    ("prometheus", "Prometheus", "metrics, rules, alerts"),
    ("grafana", "Grafana", "dashboards; with Docker Compose"),
    ("alertmanager", "Alertmanager", "alerts that fire, silences"),
)
_PAGE: Final = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
$base<meta name="viewport" content="width=device-width, initial-scale=1">
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
<ul>$routes</ul>
<h2>The platform</h2>
<ul>$platform</ul>
</body>
</html>
""")


@router.get("/")
async def start_page(request: Request, services: ServicesDep) -> HTMLResponse:
    """The start page. Its links are relative to ``ROOT_PATH``, with and without a slash at the end of the address."""
    prefix = request.scope.get("root_path", "")
    base = f'<base href="{escape(prefix)}/">\n' if prefix else ""
    model = services.model_store.current
    state = (
        f"Serving version {escape(model.registered.version)} of {escape(model.registered.name)}."
        if model
        else "No model is loaded: run train_models_diabetes_simple in Airflow."
    )
    routes = "".join(f'<li><a href="{path}"><code>/{path}</code></a> {escape(text)}</li>' for path, text in _ROUTES)
    platform = "".join(
        f'<li><a href="{escape(getattr(services.settings, f"{name}_public_url"))}">{title}</a>: {escape(text)}</li>'
        for name, title, text in _PLATFORM
    )
    return HTMLResponse(_PAGE.substitute(base=base, state=state, routes=routes, platform=platform))
