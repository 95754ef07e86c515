#!/usr/bin/env bash
# Measures what the proxy adds to a statement and what it holds in memory, and prints a small table. It takes about a minute and
# wants an idle machine.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/install.sh"

need_go
need_postgres
build_binary
cd "$root"
CGO_ENABLED=0 go build -o "$build/bench" ./proxy/devstack/cmd/bench
exec "$build/bench" -binary "$build/pgturnstile"
