# The image of health_exporter: built here, then only the program, the libraries that it is linked to
# and the certificates of public authorities. Nothing in it needs a shell at run time.
#
#     docker build -t health_exporter --build-arg REVISION="$(git rev-parse --short=12 HEAD)" .
#     docker run --rm -p 10119:10119 health_exporter cache=redis://cache:6379
ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS build
WORKDIR /src
COPY .ci/setup .ci/setup
RUN .ci/setup build
COPY Makefile ./
COPY include include
COPY src src
COPY alerts/dependencies.yml alerts/dependencies.yml
ARG VERSION=0.1.0
ARG REVISION=unknown
RUN make -s -j"$(nproc)" VERSION="${VERSION}" REVISION="${REVISION}" build/health_exporter \
    && strip --strip-unneeded build/health_exporter

FROM ${DEBIAN} AS runtime
RUN apt-get -qq update \
    && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
        ca-certificates libc-ares2 libcurl4 libfyaml0 libhiredis0.14 libjson-c5 zlib1g libmicrohttpd12 \
        libpcre2-8-0 libpq5 libssl3 libsystemd0 libuv1 >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
COPY --from=build /src/build/health_exporter /usr/bin/health_exporter
# Fails the build when a library above is missing.
RUN ["/usr/bin/health_exporter", "--version"]

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="health_exporter" \
      org.opencontainers.image.description="Checks the dependencies of a service; serves Prometheus metrics and the liveness, readiness and startup probes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# By number, so that Kubernetes can see with runAsNonRoot that it is not root.
USER 65532:65532
EXPOSE 10119
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/bin/health_exporter", "get", "/livez"]
ENTRYPOINT ["/usr/bin/health_exporter"]
