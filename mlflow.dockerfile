# The MLflow server.
FROM python:3.11-slim-bookworm AS dependencies
COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/uv
ENV UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/venv
WORKDIR /build
ARG UV_DEFAULT_INDEX=
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=infra/install.sh,target=install.sh \
    sh install.sh --no-default-groups --group mlflow \
    # The packages' test suites are a sixth of the size.
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
COPY --chmod=755 infra/__init__.py infra/mlflow_access.py infra/mlflow_cleanup.py infra/
COPY --chmod=755 infra/compose/__init__.py infra/compose/mlflow_server.py infra/compose/startup.py infra/compose/
COPY --chmod=755 infra/postgres/__init__.py infra/postgres/login.py infra/postgres/
ARG BUILD_VERSION=unknown
ARG BUILD_COMMIT=unknown
ENV BUILD_VERSION=$BUILD_VERSION \
    BUILD_COMMIT=$BUILD_COMMIT
LABEL org.opencontainers.image.title="Readmission platform: MLflow" \
      org.opencontainers.image.version=$BUILD_VERSION \
      org.opencontainers.image.revision=$BUILD_COMMIT \
      org.opencontainers.image.licenses=Apache-2.0
USER mlflow
EXPOSE 5000
CMD ["python", "-m", "infra.compose.mlflow_server"]
