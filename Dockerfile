# Not run by us: checked by reading only. Tell us if it does not work for you.
FROM python:3.13-slim AS build
WORKDIR /app
RUN pip install --no-cache-dir 'uv>=0.13,<0.14'
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY takeback ./takeback
ENV UV_PROJECT_ENVIRONMENT=/app/venv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 takeback && install -d -o takeback /data
COPY --from=build /app/venv /app/venv
ENV PATH=/app/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data
USER takeback
VOLUME /data
EXPOSE 8000
CMD ["takeback", "serve"]
