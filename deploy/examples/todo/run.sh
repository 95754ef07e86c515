#!/usr/bin/env bash
# The example from its schema to two users' browsers: starts "pgturnstile dev", migrates as the owner, runs the users' and visitors'
# queries and clicks through the app in Chromium, on plain Postgres and through pgturnstile, and ends all of it.
#
# Installs what is missing. node_modules and everything else that comes to be stands in .build/todo.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../install.sh"

work=$build/todo
mkdir -p "$work"

need_go
need_postgres
need node nodejs
need npm npm
CHROMIUM=${CHROMIUM:-chromium}
need "$CHROMIUM" chromium
if ! cmp -s "$here/package.json" "$work/installed"; then
  echo "installing the example's Node packages"
  rm -rf "$work/node_modules" "$work/installed"
  cp "$here/package.json" "$work/"
  (cd "$work" && logged npm install --silent --no-package-lock --ignore-scripts --no-audit --no-fund)
  cp "$here/package.json" "$work/installed"
fi
# A copy beside node_modules: the example's own folder stays as it is.
find "$work" -mindepth 1 -maxdepth 1 ! -name node_modules ! -name installed -exec rm -rf {} +
tar -C "$here" --exclude=./node_modules -cf - . | tar -C "$work" -xf -
build_binary

ready=$work/ready
dev=
stop() {
  if [ -n "$dev" ]; then
    kill "$dev" 2>/dev/null || true
    wait "$dev" || true
  fi
}
trap stop EXIT
"$build/pgturnstile" dev --empty --route visitors=anonymous --ready-file "$ready" >"$work/dev.log" 2>&1 &
dev=$!
for _ in {1..600}; do
  [ ! -e "$ready" ] || break
  kill -0 "$dev" 2>/dev/null || break
  sleep 0.1
done
if [ ! -e "$ready" ]; then
  tail -n 20 "$work/dev.log" >&2
  die "pgturnstile dev did not start"
fi

# In a shell of its own: the ready file's PG variables would be defaults to every client.
eval "$(. "$ready" && printf 'ADMIN_URL=%q PROXY_URL=%q' "$ADMIN_DSN" \
  "postgresql://$PGHOST:$PGPORT/$PGDATABASE?sslmode=$PGSSLMODE&sslrootcert=$PGSSLROOTCERT")"
cd "$work"
ADMIN_URL=$ADMIN_URL PROXY_URL=$PROXY_URL PGTURNSTILE_BINARY=$build/pgturnstile READY_FILE=$ready \
  CHROMIUM=$(command -v "$CHROMIUM") node --test-reporter=spec test/todo.test.js
