#!/usr/bin/env bash
# Measures what the proxy adds to a statement and what it holds in memory, and prints one table. It takes about two minutes and
# wants an idle machine. Arguments choose from: rows, "idle connections", statements, describe, settings, prepared.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/install.sh"

need_go
need_postgres
build_binary
cd "$root"
CGO_ENABLED=0 go build -o "$build/bench" ./proxy/devstack/cmd/bench
exec "$build/bench" -binary "$build/pgturnstile" "$@"
