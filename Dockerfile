# Our images, one target each: api, subscriber, data-generator, connectors, gateway.
# Packages are installed in a stage of their own, from hashed requirements; the images carry neither pip's nor apt's caches.
ARG PYTHON=3.13
FROM python:${PYTHON}-slim AS packages
WORKDIR /build
RUN python -m venv --without-pip /venv
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

FROM packages AS api-packages
COPY requirements/api.txt .
RUN pip --python /venv/bin/python install --quiet --require-hashes -r api.txt
# the models are trained while the image is built, so that a container serves at once
COPY api api
RUN mkdir /models /spill /spool /uploads /key && MODELS_DIR=/trained /venv/bin/python -m api.train

FROM packages AS subscriber-packages
COPY requirements/subscriber.txt .
RUN pip --python /venv/bin/python install --quiet --require-hashes -r subscriber.txt

FROM packages AS data-generator-packages
COPY requirements/data_generator.txt .
RUN pip --python /venv/bin/python install --quiet --require-hashes -r data_generator.txt

FROM packages AS connectors-packages
COPY requirements/connectors.txt .
RUN pip --python /venv/bin/python install --quiet --require-hashes -r connectors.txt

# ---- what all services share

FROM python:${PYTHON}-slim AS service
LABEL org.opencontainers.image.title="Stream Serving" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent stream
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001

FROM service AS api
LABEL org.opencontainers.image.description="Model API: /predict and the Open Inference Protocol v2"
COPY --from=api-packages /venv /venv
COPY --from=api-packages /trained /trained
# the models that are served, answers that wait for the monitoring database, images that wait for the archive, files of tasks
# that are being taken in, the key that signs tokens; the volumes take these folders' owner
COPY --chown=10001 --from=api-packages /models /models
COPY --chown=10001 --from=api-packages /spill /spill
COPY --chown=10001 --from=api-packages /spool /spool
COPY --chown=10001 --from=api-packages /uploads /uploads
COPY --chown=10001 --from=api-packages /key /key
COPY api api
ENV API_HOST=0.0.0.0 API_PORT=8000 MODELS_DIR=/models MODELS_SEED_DIR=/trained
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/v2/health/ready', timeout=2)"]
CMD ["python", "-m", "api"]

FROM service AS subscriber
LABEL org.opencontainers.image.description="Kafka topic to model API to target database, exactly once"
COPY --from=subscriber-packages /venv /venv
COPY subscriber subscriber
ENV SUBSCRIBER_HOST=0.0.0.0 SUBSCRIBER_PORT=8001
EXPOSE 8001
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8001/health/ready', timeout=2)"]
CMD ["python", "-m", "subscriber", "run", "subscriber/pipelines/iris.toml"]

FROM service AS data-generator
LABEL org.opencontainers.image.description="Writes rows to the source database, or sends images and applications to the model API"
COPY --from=data-generator-packages /venv /venv
COPY data_generator data_generator
CMD ["python", "-m", "data_generator"]

FROM service AS connectors
LABEL org.opencontainers.image.description="Registers the Kafka connectors and keeps them running"
COPY --from=connectors-packages /venv /venv
COPY connectors connectors
CMD ["python", "-m", "connectors"]

# ---- one address for any number of API and subscriber containers

FROM debian:trixie-slim AS gateway
LABEL org.opencontainers.image.title="Stream Serving" \
      org.opencontainers.image.description="HAProxy before the model API and the subscribers' consoles" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*
COPY compose/haproxy.cfg /etc/haproxy/haproxy.cfg
USER haproxy
EXPOSE 8000 8001 8002
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8404 && printf 'GET /healthy HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ' 200 ' <&3"]
CMD ["haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"]
