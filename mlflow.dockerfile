# The MLflow server.
FROM python:3.11-slim-bookworm AS dependencies
COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/uv
ENV UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/venv
WORKDIR /build
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    uv sync --frozen --no-default-groups --group mlflow \
    # The packages' own test suites: a sixth of the size, never used here.
    && find /opt/venv -type d -name tests -prune -exec rm -rf {} +

FROM python:3.11-slim-bookworm
RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /tmp mlflow \
    && install -d -o mlflow -g 0 -m 2775 /opt/platform/mlruns
COPY --from=dependencies /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    LOGNAME=mlflow
WORKDIR /opt/platform
COPY infra/mlflow/serve.py serve.py
USER mlflow
EXPOSE 5000
CMD ["python", "serve.py"]
