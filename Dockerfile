# One image for any service:  docker build --build-arg SERVICE=booking -t turnus-booking .
# Third-party packages come from requirements.lock with their hashes; of the extras only that service's is installed
# (SERVICE=all: everybody's), and never the embedded servers.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ARG SERVICE
ENV UV_PYTHON_DOWNLOADS=never
WORKDIR /src
COPY tools/uv.txt tools/uv.txt
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r tools/uv.txt && uv venv /opt/turnus
COPY . .
RUN test -n "$SERVICE" || { echo "say --build-arg SERVICE=<name of a service, or all>" >&2; exit 1; }
RUN uv pip install --python /opt/turnus/bin/python --no-cache --compile-bytecode --constraints requirements.lock \
    --no-sources ./libs/contracts ./libs/runtime ".[$SERVICE]"

FROM python:${PYTHON}-slim
COPY --from=build /opt/turnus /opt/turnus
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin turnus
USER 10001
WORKDIR /tmp
ENV PATH=/opt/turnus/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TURNUS_ADMIN_HOST=0.0.0.0 \
    TURNUS_ADMIN_PORT=8081 \
    TURNUS_HTTP_HOST=0.0.0.0 \
    TURNUS_HTTP_PORT=8080
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8081/healthz', timeout=4)"]
# `turnus` becomes process 1 and gets the signals. Add `--role http|consume|jobs` to run one role.
ENTRYPOINT ["turnus"]
CMD ["--help"]
