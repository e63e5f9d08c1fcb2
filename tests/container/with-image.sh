#!/usr/bin/env bash
# with-image.sh COMMAND...: build the image and run COMMAND with DOCKER_IMAGE naming it, DOCKER_TRIMMED its trimmed variant, and
# DOCKER_BUILD_ARGUMENTS what both were built with, one NAME=VALUE a line. Takes the engine and the base image that are there, else
# a private engine (with-docker.sh) and a substitute base made of Debian packages (make-base-image.sh).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
base=python:3.13-slim-trixie

if ! docker info >/dev/null 2>&1; then
    if [ -n "${PRIVATE_ENGINE:-}" ]; then
        echo "with-image.sh: the private engine does not answer" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "with-image.sh: NO CONTAINER ENGINE, and none can be installed without root and apt-get." >&2
        [ -n "${CI:-}" ] && exit 1
        echo "with-image.sh: SKIPPED: the image was neither built nor tested." >&2
        exit 0
    fi
    PRIVATE_ENGINE=1 exec "$here/with-docker.sh" "$0" "$@"
fi

if ! docker image inspect "$base" >/dev/null 2>&1 && ! timeout 300 docker pull --quiet "$base" >/dev/null 2>&1; then
    "$here/make-base-image.sh" "$base" --host-net --tool docker --rootfs "${CACHE:-/var/tmp}/$(id -un)-python-base.tar"
fi
epoch=$(git -C "$checkout" log -1 --format=%ct 2>/dev/null) || epoch=1767225600
revision=$(git -C "$checkout" rev-parse HEAD 2>/dev/null) || revision=$(printf '%040d' 0)
export DOCKER_IMAGE=xray-ci:test DOCKER_TRIMMED=xray-ci:trimmed
DOCKER_BUILD_ARGUMENTS="PYTHON_IMAGE=$base
BASE_DIGEST=$(docker image inspect --format '{{.Id}}' "$base")
REVISION=$revision
CREATED=$(date --utc --date="@$epoch" +%Y-%m-%dT%H:%M:%SZ)
SOURCE_DATE_EPOCH=$epoch"
export DOCKER_BUILD_ARGUMENTS
mapfile -t arguments <<<"$DOCKER_BUILD_ARGUMENTS"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
build() { # build TAG [OPTION...]
    docker build --network host "${arguments[@]/#/--build-arg=}" --tag "$@" "$checkout" >"$log" 2>&1 ||
        { cat "$log" >&2; echo "with-image.sh: the image $1 could not be built" >&2; exit 1; }
}
build "$DOCKER_IMAGE"
build "$DOCKER_TRIMMED" --target trimmed
"$@"
