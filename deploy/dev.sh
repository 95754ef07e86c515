#!/usr/bin/env bash
# From a bare Debian to a Postgres session with a Cognito token: installs what is missing (Go, Postgres, psql), builds pgturnstile
# and runs its demo. Other arguments go to "pgturnstile dev", so "deploy/dev.sh --port 6432" keeps a stack running.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/install.sh"

need_go
need_postgres
build_binary
exec "$build/pgturnstile" dev "${@:---demo}"
