#!/usr/bin/env bash
# Installs what the tests need and runs them all: at most 12 minutes on two cores. The last line counts what passed and failed.
#
#   deploy/test.sh          what every change must pass
#   deploy/test.sh --full   longer fuzzing, all mutations of the scanner's corpus, every Go test three times, and a soak of two
#                           users' statements side by side
#
# Each check's whole output stands in .build/test/.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/install.sh"

full=
case ${1:-} in
  '') ;;
  --full) full=1 ;;
  *) die "unknown argument $1; see the top of this file" ;;
esac

# Pinned: a new release of a linter must not fail an old commit.
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.9.0
node_packages='pg@8.23.1 postgres@3.4.9 drizzle-orm@0.45.4 knex@3.3.0 sequelize@6.37.8'
pgjdbc=org.postgresql:postgresql:42.7.14

fuzz_time=3s
[ -z "$full" ] || fuzz_time=2m

cd "$root"
logs=$build/test
rm -rf "$logs"
mkdir -p "$logs"

passed=0 failed=0 skipped=0
left_out=()

# run NAME COMMAND...: runs it with its output in a file, and returns its exit code. The command runs in a shell of its own so that
# "set -e" holds in it.
run() {
  log=$logs/${1//[^A-Za-z0-9.-]/-}.log
  shift
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1 </dev/null
  local code=$?
  set -e
  return $code
}

# check NAME COMMAND...: one thing that passes or fails, with its exit code in outcome.
check() {
  local start=$SECONDS
  printf '== %s\n' "$1"
  outcome=0
  run "$@" || outcome=$?
  if [ $outcome = 0 ]; then
    passed=$((passed + 1))
    printf '   ok (%d s)\n' $((SECONDS - start))
  else
    failed=$((failed + 1))
    tail -n 60 "$log" | sed 's/^/   /'
    printf '   FAILED (%d s), all of it: %s\n' $((SECONDS - start)) "$log"
  fi
}

# go_tests NAME FOLDER ARGUMENT...: tests counted one by one, and only those printed that failed.
go_tests() {
  local name=$1 folder=$2 start=$SECONDS code=0 p f s
  shift 2
  printf '== %s\n' "$name"
  run "$name" go -C "$folder" test -json "$@" || code=$?
  count() { grep -c "\"Action\":\"$1\".*\"Test\":" "$log" || true; }
  p=$(count pass) f=$(count fail) s=$(count skip)
  # A package that does not build or whose process dies fails without a test of that name.
  [ $code = 0 ] || [ "$f" != 0 ] || f=1
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  if [ $code != 0 ]; then
    python3 - "$log" <<'PYTHON' | tail -n 400 | sed 's/^/   /'
import collections, json, sys
output, failed = collections.defaultdict(list), []
for line in open(sys.argv[1], errors="replace"):
    try:
        event = json.loads(line)
    except ValueError:
        print(line, end="")
        continue
    key = (event.get("Package") or event.get("ImportPath"), event.get("Test"))
    if event["Action"] in ("output", "build-output"):
        output[key].append(event["Output"])
    elif event["Action"] in ("fail", "build-fail"):
        failed.append(key)
for key in failed:
    lines = output[key]
    print("FAIL", *[k for k in key if k])
    for line in lines[-60:]:
        print("  ", line, end="")
PYTHON
  fi
  printf '   %d passed, %d failed, %d skipped (%d s)\n' "$p" "$f" "$s" $((SECONDS - start))
  [ "$s" = 0 ] || grep '"Action":"output"' "$log" | grep -A1 -F -- '--- SKIP' | sed -n 's/.*"Output":" *\(.*\)\\n".*/   \1/p' | sort -u | head -n 20
}

install_tools() {
  need_go
  need_postgres
  need gcc gcc libc6-dev # the race detector
  need python3 python3
  python3 -c 'import venv, ensurepip' 2>/dev/null || apt_install python3-venv
  local venv=$build/venv
  if ! cmp -s deploy/test-requirements.txt "$venv/installed"; then
    echo "installing Python packages for the tests"
    rm -rf "$venv"
    logged python3 -m venv "$venv"
    logged "$venv/bin/pip" install --quiet --disable-pip-version-check -r deploy/test-requirements.txt
    cp deploy/test-requirements.txt "$venv/installed"
  fi
  need node nodejs
  need npm npm
  need_newer_postgres
  local node=$build/node
  if [ "$(cat "$node/installed" 2>/dev/null)" != "$node_packages" ]; then
    echo "installing Node packages for the tests"
    rm -rf "$node"
    mkdir -p "$node"
    # shellcheck disable=SC2086
    logged npm install --silent --no-save --no-audit --no-fund --prefix "$node" $node_packages
    echo "$node_packages" >"$node/installed"
  fi
  need javac default-jdk-headless
  local java=$build/java
  if [ "$(cat "$java/installed" 2>/dev/null)" != "$pgjdbc" ]; then
    need mvn maven
    echo "installing pgjdbc for the tests"
    rm -rf "$java"
    mkdir -p "$java"
    logged mvn -q -B dependency:copy -Dartifact="$pgjdbc" -DoutputDirectory="$java" -Dmdep.stripVersion=true
    echo "$pgjdbc" >"$java/installed"
  fi
  need_odbc "$venv/bin/python"
  perl -MDBD::Pg -e1 2>/dev/null || apt_install libdbd-pg-perl
  ruby -rpg -ractive_record -rsequel -e0 2>/dev/null || apt_install ruby ruby-pg ruby-activerecord ruby-sequel
  php -r 'exit(extension_loaded("pgsql") && extension_loaded("pdo_pgsql") ? 0 : 1);' 2>/dev/null || apt_install php-cli php-pgsql
  # The tests find programs by PATH, drivers by what each language reads. A PGTURNSTILE_ variable would be a setting to every process
  # that they start.
  export PATH=$venv/bin:$PATH NODE_PATH=$node/node_modules CLASSPATH=$java/postgresql.jar
  need_promtool
}

# need_odbc PYTHON: psqlODBC, under the name that its package registers it by, and the driver manager.
need_odbc() {
  "$1" -c 'import pyodbc, sys; sys.exit("PostgreSQL Unicode" not in pyodbc.drivers())' 2>/dev/null || apt_install odbc-postgresql odbcinst libodbc2
}

# need_promtool: from Prometheus' package, of which only this file is taken: installed it would start a server.
need_promtool() {
  promtool=$(command -v promtool || echo "$build/promtool/usr/bin/promtool")
  if [ ! -x "$promtool" ] && command -v apt-get >/dev/null; then
    echo "installing promtool into .build"
    update_packages
    mkdir -p "$build/promtool"
    (cd "$build/promtool" && logged apt-get download prometheus && logged dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb)
  fi
}

# go_files: all of them but what tools put into .build.
go_files() { find . -name '.?*' -prune -o -name '*.go' -print; }

check_format() {
  local found
  found=$(go_files | xargs gofmt -l)
  printf '%s\n' "$found"
  [ -z "$found" ]
}

# each_module ARGUMENT...: a go command in every module.
each_module() {
  local module
  for module in . proxy/sqlscan/oracle; do
    (cd "$module" && go "$@")
  done
}

check_scripts() {
  local script
  for script in deploy/*.sh deploy/examples/*/*.sh .ci/run; do
    bash -n "$script"
    echo "$script"
  done
}

# fuzz_all: every fuzz target of every package for a while.
fuzz_all() {
  local module package target
  while read -r module package target; do
    check "fuzz $module/${package#./} $target" fuzz_one "$module" "$package" "$target"
  done < <(fuzz_targets)
}

# fuzz_targets prints "module package target" lines, the module by its folder. Only packages that have one are built.
fuzz_targets() {
  local folder module package
  go_files | xargs grep -l '^func Fuzz' | xargs -n 1 dirname | sed 's,^\./,,' | sort -u | while read -r folder; do
    module=$folder
    while [ ! -e "$module/go.mod" ]; do module=$(dirname "$module"); done
    package=.
    [ "$module" = "$folder" ] || package=./${folder#"$module"/}
    [ "$module" != . ] || package=./$folder
    go -C "$module" test -list '^Fuzz' "$package" | sed -n "s,^Fuzz,$module $package Fuzz,p"
  done
}

fuzz_one() {
  local out=$logs/fuzz.out
  go_fuzz "$@" >"$out" 2>&1 && { cat "$out"; return 0; }
  cat "$out"
  # At the end of its time the fuzzer of Go before 1.27 can report its own deadline as a failure (golang.org/issue/75804). No input
  # is at fault then, and none was written.
  if grep -q 'context deadline exceeded' "$out" && ! grep -q 'Failing input' "$out"; then
    go_fuzz "$@"
    return
  fi
  return 1
}

go_fuzz() { go -C "$1" test -run '^$' -fuzz "^$3\$" -fuzztime "$fuzz_time" "$2"; }

# describe_oracle BIN...
describe_oracle() {
  local bin arguments=()
  for bin; do arguments+=(-pg "$bin"); done
  [ -z "$full" ] || arguments+=(-generated)
  go run ./proxy/proxytest/describeoracle/cmd/describeoracle "${arguments[@]}"
}

check_alerts() {
  "$promtool" check rules deploy/prometheus/alerts.yaml
  "$promtool" test rules deploy/prometheus/alerts_test.yaml
}

check_demo() {
  build_binary
  "$build/pgturnstile" dev --demo
}

# check_vulnerabilities: a database that cannot be reached is no finding, and everything else that goes wrong is.
check_vulnerabilities() {
  local start=$SECONDS code=0
  echo '== known vulnerabilities'
  run vulnerabilities go run "$govulncheck" ./... || code=$?
  if [ $code = 0 ]; then
    passed=$((passed + 1))
    printf '   ok (%d s)\n' $((SECONDS - start))
  elif grep -qE '^govulncheck: fetching vulnerabilities: Get ".*": (dial |.*(no such host|timeout|refused|reset by peer|unreachable|EOF)$)' "$log"; then
    skipped=$((skipped + 1))
    left_out+=('known vulnerabilities: not run: database unreachable')
    echo '   not run: database unreachable'
  else
    failed=$((failed + 1))
    sed 's/^/   /' "$log" | tail -n 60
    echo "   FAILED, all of it: $log"
  fi
}

install_tools
echo "$(go version), $(psql --version), $(nproc) cores"

check 'gofmt' check_format
check 'shell scripts' check_scripts
check 'go vet' each_module vet ./...
check 'staticcheck' each_module run "$staticcheck" ./...
check 'go.mod is tidy' each_module mod tidy -diff
repeat=(-count=1) short=(-short) # never a result of an earlier run
[ -z "$full" ] || repeat=(-count=3) short=()
go_tests 'go test -race' . -race -vet=off -timeout 30m "${repeat[@]}" ./...
go_tests 'scanner against pg_query' proxy/sqlscan/oracle -vet=off -count=1 "${short[@]}" ./...
check 'attack tables' go run ./jwks/attacktable/cmd/attacktable
[ "$outcome" != 0 ] || sed 's/^/   /' "$log" # what waits for something else, and the count
# The Go tests have run it on the installed server.
if [ ${#newer_postgres[@]} != 0 ]; then
  check 'describe oracle, newer servers' describe_oracle "${newer_postgres[@]}"
  [ "$outcome" != 0 ] || grep -E '^\| (PostgreSQL|\*\*all)|^(Accepted|[0-9]+ statements)' "$log" | sed 's/^/   /'
else
  left_out+=('describe oracle on newer servers: npm has them for Linux on x86-64 only')
fi
if [ -n "$full" ]; then
  check 'describe oracle, regression suite' go run ./proxy/proxytest/describeoracle/cmd/describeoracle -regress auto
  export PROXYTEST_SESSIONS=200 # generated anew each time, where a short run plays the same few
  go_tests 'soak' . -race -timeout 60m -count=20 -run 'NoRowCrosses|RandomKeyIDs|Generated' ./proxy/proxytest
  unset PROXYTEST_SESSIONS
fi
if [ -x "$promtool" ]; then
  check 'alert rules' check_alerts
else
  left_out+=('alert rules: promtool is not here, and there is no apt-get to get it with')
fi
fuzz_all
check 'demo' check_demo
check 'todo example' deploy/examples/todo/run.sh
check_vulnerabilities

if [ -z "$full" ]; then
  left_out+=("fuzzing beyond $fuzz_time a target, most mutations of the scanner's corpus, repeated Go tests, statements made from catalogs and Postgres' regression suite for the describe oracle, soak: deploy/test.sh --full")
fi
left_out+=('benchmarks: deploy/bench.sh')
echo "== left out"
printf '   %s\n' "${left_out[@]}"
times >"$logs/times" # not in a subshell: that has times of its own
printf 'all in %d s, of it CPU (user, system): %s\n' "$SECONDS" "$(tail -n 1 "$logs/times")"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
