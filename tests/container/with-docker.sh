#!/usr/bin/env bash
# with-docker.sh COMMAND...: run COMMAND with a private Docker Engine (installed from Debian's docker.io when
# absent), then stop the engine and remove all its data. DOCKER_HOST points to it; builds need --network host.
set -euo pipefail
if ! command -v dockerd >/dev/null; then
    { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install docker.io; } >/dev/null 2>&1 ||
        { echo "with-docker.sh: docker.io could not be installed" >&2; exit 1; }
fi
dir=$(mktemp -d)
export DOCKER_HOST=unix://$dir/docker.sock DOCKER_BUILDKIT=1 DOCKER_CONFIG=$dir/config
dockerd --host "$DOCKER_HOST" --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" \
    --bridge none --iptables=false --ip6tables=false >"$dir/log" 2>&1 &
pid=$!
stop() {
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    awk -v d="$dir/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | while read -r m; do umount "$m"; done
    rm -rf "$dir"
}
# shellcheck disable=SC2154  # status is assigned in the trap itself
trap 'status=$?; set +e; stop; exit "$status"' EXIT
for _ in $(seq 300); do
    /usr/bin/docker version >/dev/null 2>&1 && break
    kill -0 "$pid" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.1
done
PATH=/usr/bin:$PATH "$@"
