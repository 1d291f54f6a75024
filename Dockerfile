# The function as a container image, and as a zip. BuildKit is needed (the default since Docker 23).
#
#   docker build --platform linux/arm64 --provenance=false -t trailsink .      the image; or linux/amd64
#   docker build --platform linux/arm64 --target zip --output target/lambda .  target/lambda/bootstrap.zip
#
# --provenance=false: with an attestation beside it the image becomes an index, and Lambda takes no index.
#
# The images are pinned by tag, so that fixes of their systems arrive with the next build. Who wants the same image for ever
# pins by digest: write IMAGE:TAG@sha256:DIGEST in a FROM line; `docker buildx imagetools inspect IMAGE:TAG` prints it.

# Debian 12 has glibc 2.36 and Lambda's Amazon Linux 2023 has 2.34. A binary asks for the versions of the symbols that it
# uses, and ours uses none younger than 2.34; the build stage measures that and fails otherwise. On Debian 13 it would.

# What checkov asks of images that run as services:
#checkov:skip=CKV_DOCKER_2:Lambda runs no health checks; it sees the function's answers.
#checkov:skip=CKV_DOCKER_3:Lambda runs every image as a user of its own without rights, whatever USER says.

# On the builder's own architecture: a compiler for the other one is many times faster than an emulated machine.
FROM --platform=$BUILDPLATFORM rust:1.95.0-slim-bookworm AS build
ARG BUILDARCH
ARG TARGETARCH
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /build
ENV CARGO_TARGET_DIR=/build/target

# Where the binary will lie and the prefix of the tools for it: build.env. For another architecture also its C compiler
# and Rust's library for it. Debian drops old versions of its packages, so pinning them would break the build one day.
# hadolint ignore=DL3008
RUN case "$TARGETARCH" in \
      arm64) cpu=aarch64; set -- gcc-aarch64-linux-gnu libc6-dev-arm64-cross ;; \
      amd64) cpu=x86_64; set -- gcc-x86-64-linux-gnu libc6-dev-amd64-cross ;; \
      *) echo "Lambda runs arm64 and amd64, not '$TARGETARCH': give --platform linux/arm64 or linux/amd64" >&2; exit 1 ;; \
    esac; \
    if [ "$TARGETARCH" = "$BUILDARCH" ]; then \
      printf 'folder=release\ntools=\n' >build.env; \
    else \
      apt-get update; \
      apt-get install -y --no-install-recommends "$@"; \
      rustup target add "$cpu-unknown-linux-gnu"; \
      mkdir -p .cargo; \
      printf '[build]\ntarget = "%s-unknown-linux-gnu"\n\n[target.%s-unknown-linux-gnu]\nlinker = "%s-linux-gnu-gcc"\n' \
        "$cpu" "$cpu" "$cpu" >.cargo/config.toml; \
      printf 'folder=%s-unknown-linux-gnu/release\ntools=%s-linux-gnu-\n' "$cpu" "$cpu" >build.env; \
    fi

# The dependencies, in a layer that holds until they change: built with an empty program in the place of ours.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src; \
    echo 'fn main() {}' >src/main.rs; \
    : >src/lib.rs; \
    cargo build --locked --release --bin trailsink

# Files keep the times of the checkout. Cargo takes those that are older than the empty program for unchanged, and would
# ship it: so they are touched.
COPY src src
RUN find src -name '*.rs' -exec touch {} +; \
    cargo build --locked --release --bin trailsink

# Without its symbols the binary is a fifth of the size and starts sooner.
ARG LAMBDA_GLIBC=2.34
# hadolint ignore=SC1091,SC2154
RUN . ./build.env; \
    mkdir out; \
    "${tools}strip" -o out/bootstrap "$CARGO_TARGET_DIR/$folder/trailsink"; \
    chmod 0755 out/bootstrap; \
    newest=$(readelf --version-info --wide out/bootstrap | grep -o 'GLIBC_2[.0-9]*' | sort -V | tail -n 1); \
    if [ "$(printf '%s\n' "$newest" "GLIBC_$LAMBDA_GLIBC" | sort -V | tail -n 1)" != "GLIBC_$LAMBDA_GLIBC" ]; then \
      echo "the binary needs $newest, and Lambda has $LAMBDA_GLIBC: build on an older Debian" >&2; exit 1; \
    fi

# A zip with the binary as the one file at its root. The same binary gives the same bytes, so that a deployment sees a change
# only where there is one.
FROM --platform=$BUILDPLATFORM python:3.13-slim-bookworm AS zipped
WORKDIR /zipped
COPY --from=build /build/out/bootstrap bootstrap
RUN export TZ=UTC && touch -t 202001010000 bootstrap && python3 -m zipfile -c bootstrap.zip bootstrap

FROM scratch AS zip
COPY --from=zipped /zipped/bootstrap.zip /bootstrap.zip

# What Lambda runs, and the default. The base image brings the root certificates that S3 needs, and an entrypoint that starts
# /var/runtime/bootstrap: under the runtime interface emulator where there is no Lambda around it.
FROM public.ecr.aws/lambda/provided:al2023 AS runtime
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="trailsink" \
      org.opencontainers.image.description="Turns AWS CloudTrail events into a lake of Parquet that Athena queries." \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /build/out/bootstrap /var/runtime/bootstrap
# The entrypoint wants the name of a handler. There is only one, so it means nothing.
CMD ["bootstrap"]
