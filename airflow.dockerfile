# Airflow's components with the ml package, so that tasks can train; also runs the exporter, the initialisation, and
# backup and restore, with the programs of PostgreSQL.
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
    sh install.sh --no-default-groups --group airflow --group ml --group backup \
    # The packages' test suites are a sixth of the size.
    && find /opt/venv -type d -name tests -prune -exec rm -rf {} +

FROM python:3.11-slim-bookworm
# Group 0 has the user's rights, so that every AIRFLOW_UID works.
RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /opt/airflow airflow \
    && install -d -o airflow -g 0 -m 2775 /opt/airflow /var/lib/airflow/auth /var/lib/airflow/logs /var/lib/airflow/data \
        /backups /platform/backup /platform/mlruns /platform/airflow /platform/grafana
COPY --from=dependencies /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/platform \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/opt/airflow \
    LOGNAME=airflow \
    AIRFLOW_HOME=/opt/airflow
WORKDIR /opt/platform
COPY --chmod=755 ml/ ml/
COPY --chmod=755 infra/__init__.py infra/airflow_users.py infra/mlflow_access.py infra/
COPY --chmod=755 infra/compose/ infra/compose/
COPY --chmod=755 infra/postgres/__init__.py infra/postgres/login.py infra/postgres/
COPY --chmod=755 infra/exporter/ infra/exporter/
COPY --chmod=755 infra/backup/ infra/backup/
COPY --chmod=755 infra/secrets/__init__.py infra/secrets/certificates.py infra/secrets/generate.py infra/secrets/
COPY --chmod=755 infra/local/__init__.py infra/local/errors.py infra/local/
COPY --chmod=755 infra/local/postgres/__init__.py infra/local/postgres/accounts.py infra/local/postgres/cluster.py infra/local/postgres/
COPY --chmod=755 infra/local/supervision/__init__.py infra/local/supervision/probes.py infra/local/supervision/
COPY --chmod=755 pyproject.toml uv.lock ./
COPY --chmod=755 dags/ dags/
ARG BUILD_VERSION=unknown
ARG BUILD_COMMIT=unknown
ENV BUILD_VERSION=$BUILD_VERSION \
    BUILD_COMMIT=$BUILD_COMMIT
LABEL org.opencontainers.image.title="Readmission platform: Airflow" \
      org.opencontainers.image.version=$BUILD_VERSION \
      org.opencontainers.image.revision=$BUILD_COMMIT \
      org.opencontainers.image.licenses=Apache-2.0
USER airflow
# Group 0 can write every file, so that AIRFLOW_UID can change.
ENTRYPOINT ["sh", "-c", "umask 002 && exec \"$@\"", "--"]
CMD ["airflow", "version"]
