# syntax=docker/dockerfile:1
# The whole product with the locked versions, for batch runs: docker build -t partnerlift .
FROM python:3.11-slim AS build
RUN python -m venv /opt/partnerlift
ENV PATH=/opt/partnerlift/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/production.lock /src/requirements/production.lock
RUN pip install --require-hashes --requirement /src/requirements/production.lock
COPY pyproject.toml README.md LICENSE /src/
COPY configs /src/configs
COPY features /src/features
COPY models /src/models
COPY pipelines /src/pipelines
COPY review /src/review
RUN pip install --no-deps /src

FROM python:3.11-slim
# LightGBM and scikit-learn run their threads through GNU's OpenMP.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /home/partnerlift partnerlift \
    && install --directory --owner=partnerlift /workspace /metrics
COPY --from=build /opt/partnerlift /opt/partnerlift
ENV PATH=/opt/partnerlift/bin:$PATH \
    PARTNERLIFT_WORKSPACE=/workspace \
    PARTNERLIFT_LOG_FORMAT=json \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib
USER partnerlift
WORKDIR /home/partnerlift
VOLUME /workspace
# A run ends by itself and says how by its exit code and its metrics, so that there is no service to ask for its health.
HEALTHCHECK NONE
STOPSIGNAL SIGTERM
ENTRYPOINT ["partnerlift"]
CMD ["score", "--wait", "600"]
