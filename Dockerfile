# syntax=docker/dockerfile:1
# The daemon and its command line in an image without a shell.
#
#   docker build -t lamplighter .
#   docker run --rm --network host lamplighter demo
#
# The demo serves plain HTTP, on loopback addresses only, and needs the host's network; `serve --listen 0.0.0.0:1879` speaks
# TLS and can be reached over a published port.

FROM rust:1.95-bookworm AS chef
RUN cargo install cargo-chef --version 0.1.78 --locked
WORKDIR /build

# Boils the workspace down to manifests and Cargo.lock: the layer below changes only when they do.
FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
COPY --from=plan /build/recipe.json recipe.json
RUN cargo chef cook --release --locked --package lamplighter --package lampctl --recipe-path recipe.json
COPY . .
RUN cargo build --release --locked --package lamplighter --package lampctl \
 && install -d -m 0755 /image/bin \
 && install -m 0755 target/release/lamplighter target/release/lampctl /image/bin/ \
 && ln -s lampctl /image/bin/kubectl-lamp \
 && install -d -m 0700 /image/data

# Built on the Debian release that the image has: glibc is the same. `cc` brings libgcc_s, which Rust needs.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/bin/ /usr/local/bin/
COPY --from=build --chown=65532:65532 /image/data /var/lib/lamplighter
USER 65532:65532
VOLUME /var/lib/lamplighter
EXPOSE 1879
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/lamplighter"]
CMD ["serve"]
