# SPDX-License-Identifier: Apache-2.0
# The image of health_exporter: built here, then only the program, the libraries that it is linked to
# and the certificates of public authorities. There is no shell in it, and nothing needs one.
#
#     docker build -t health_exporter --build-arg REVISION="$(git rev-parse --short=12 HEAD)" .
#     docker run --rm -p 10119:10119 health_exporter cache=redis://cache:6379
ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS build
WORKDIR /src
COPY .ci/setup .ci/setup
RUN .ci/setup build image
COPY Makefile LICENSE ./
COPY include include
COPY src src
COPY alerts/dependencies.yml alerts/dependencies.yml
ARG VERSION=0.1.0
ARG REVISION=unknown
RUN make -s -j"$(nproc)" VERSION="${VERSION}" REVISION="${REVISION}" build/health_exporter \
    && strip --strip-unneeded build/health_exporter
COPY deploy/container/assemble deploy/container/assemble
RUN deploy/container/assemble build/health_exporter /image \
    && install -D -m 644 LICENSE /image/usr/share/doc/health_exporter/LICENSE

FROM scratch AS runtime
COPY --from=build /image /

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
