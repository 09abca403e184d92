# The user interface. It speaks HTTP only, and reads the schema for its form.
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
    uv sync --frozen --no-default-groups --group ui \
    # The packages' own test suites: a sixth of the size, never used here.
    && find /opt/venv -type d -name tests -prune -exec rm -rf {} +

FROM python:3.11-slim-bookworm
RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /tmp streamlit
COPY --from=dependencies /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/platform \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501 \
    STREAMLIT_BROWSER_SERVER_ADDRESS=localhost
WORKDIR /opt/platform
COPY ml/__init__.py ml/
COPY ml/schema/ ml/schema/
COPY ml/core/ ml/core/
COPY docs/runbooks/ docs/runbooks/
COPY .streamlit/ .streamlit/
COPY ui/ ui/
USER streamlit
EXPOSE 8501
CMD ["streamlit", "run", "ui/app.py"]
