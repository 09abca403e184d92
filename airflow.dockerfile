# Airflow's components with the ml package, so that tasks can train; also runs the exporter and the initialisation.
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
    uv sync --frozen --no-default-groups --group airflow --group ml \
    # The packages' own test suites: a sixth of the size, never used here.
    && find /opt/venv -type d -name tests -prune -exec rm -rf {} +

FROM python:3.11-slim-bookworm
# Group 0 may write where the user may: any AIRFLOW_UID works, as long as its group is 0.
RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /opt/airflow airflow \
    && install -d -o airflow -g 0 -m 2775 /opt/airflow /var/lib/airflow/auth /var/lib/airflow/logs /var/lib/airflow/data
COPY --from=dependencies /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/platform \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/opt/airflow \
    LOGNAME=airflow \
    AIRFLOW_HOME=/opt/airflow
WORKDIR /opt/platform
COPY ml/ ml/
COPY infra/__init__.py infra/serving.py infra/
COPY infra/airflow/ infra/airflow/
COPY infra/exporter/ infra/exporter/
COPY dags/ dags/
USER airflow
# What one AIRFLOW_UID writes, group 0 and so the next AIRFLOW_UID may change.
ENTRYPOINT ["sh", "-c", "umask 002 && exec \"$@\"", "--"]
CMD ["airflow", "version"]
