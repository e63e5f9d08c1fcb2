#!/usr/bin/env bash
# in-image.sh TEST...: run tests of the checkout with the image's own Python, inside the image. Runs under with-image.sh. What the tests
# need besides is installed by the same Python into a folder of the host, since nothing in the image can install anything.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
base=$(sed -n 's/^PYTHON_IMAGE=//p' <<<"$DOCKER_BUILD_ARGUMENTS")
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
run=(docker run --rm --network host --pull never --volume "$checkout:$checkout:ro" --volume "$tools:$tools" --workdir "$checkout"
    --env CI=true --env PYTHONDONTWRITEBYTECODE=1)
"${run[@]}" --entrypoint sh "$base" -c "python3 -m venv --without-pip '$tools/venv' && python3 -m pip --python '$tools/venv/bin/python' \
    --disable-pip-version-check --quiet install --no-deps --require-hashes --only-binary :all: -r requirements/dev.txt"
"${run[@]}" --entrypoint "$tools/venv/bin/python" "$DOCKER_IMAGE" -m pytest --numprocesses "${JOBS:-2}" "$@"
