package main

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestDevFromStartToEnd(t *testing.T) {
	folders := newDevFolders(t)
	ready := filepath.Join(t.TempDir(), "it's ready")
	p := folders.start(t, "dev", "--ready-file", ready)
	p.until(t, "ready file", func() bool { _, err := os.Stat(ready); return err == nil })
	info, err := os.Stat(ready)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the ready file's mode is %v", info.Mode())
	}
	// A shell reads it, as users do.
	names := []string{"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSSLMODE", "PGSSLROOTCERT", "TOKEN_ALICE", "TOKEN_BOB", "NEON_URL",
		"JWKS_URL", "METRICS_URL", "ADMIN_DSN", "PID"}
	out, err := exec.Command("sh", "-c", `. "$1"; shift; for n; do eval "printf '%s\n' \"\$$n\""; done`, "sh", ready, names[0], names[1], names[2],
		names[3], names[4], names[5], names[6], names[7], names[8], names[9], names[10], names[11], names[12]).Output()
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Split(string(out), "\n")
	env := make(map[string]string)
	for i, name := range names {
		if values[i] == "" {
			t.Fatalf("%s is not in the ready file", name)
		}
		env[name] = values[i]
	}
	if env["PID"] != strconv.Itoa(p.cmd.Process.Pid) {
		t.Errorf("PID is %s, want %d", env["PID"], p.cmd.Process.Pid)
	}

	checkPasted(t, folders, ready, p, env)
	checkReadyAddresses(t, env)
	checkTokens(t, folders, ready)

	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM: %s", code, &p.stderr)
	}
	if _, err := os.Stat(ready); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the ready file is still there: %v", err)
	}
	if left := folders.left(t); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if pids := processesOf(t, folders); pids != nil {
		t.Errorf("still running: %v", pids)
	}
	if _, errs, code := folders.token(t, "--user", "alice"); code != exitFault || !strings.Contains(errs, `nothing is running: start "pgturnstile dev" first`) {
		t.Errorf("a token of no stack: code %d, %s", code, errs)
	}
}

// checkPasted runs the printed commands as they stand.
func checkPasted(t *testing.T, folders devFolders, ready string, p *process, env map[string]string) {
	t.Helper()
	p.until(t, "printed commands", func() bool { return strings.Contains(p.stdout.String(), "Ctrl-C") })
	printed := p.stdout.String()
	if strings.Contains(printed, "eyJ") || strings.Contains(printed, env["TOKEN_ALICE"]) {
		t.Error("a token was printed")
	}
	lines := regexp.MustCompile(`(?m)^  (PGPASSWORD=.*)$`).FindAllStringSubmatch(printed, -1)
	if len(lines) != 2 {
		t.Fatalf("%d commands were printed, want alice's and bob's:\n%s", len(lines), printed)
	}
	for i, user := range []string{"alice", "bob"} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", lines[i][1]+` -X -A -t -c "insert into todos (task) values ('pasted')" -c 'select user_id, task from todos'`)
		cmd.Env = append(os.Environ(), commandEnv+"=1", "TMPDIR="+folders.temporary, "XDG_RUNTIME_DIR="+folders.runtime)
		out, err := cmd.CombinedOutput()
		if want := "INSERT 0 1\n" + user + "|pasted\n"; err != nil || string(out) != want {
			t.Errorf("%s\nprints %q, %v; want %q", lines[i][1], out, err, want)
		}
	}
}

func checkReadyAddresses(t *testing.T, env map[string]string) {
	t.Helper()
	if !strings.HasSuffix(env["METRICS_URL"], "/metrics") {
		t.Errorf("METRICS_URL is %s", env["METRICS_URL"])
	}
	if body := get(t, env["METRICS_URL"]); !strings.Contains(body, "pgturnstile_client_connections_total") {
		t.Error("the metrics have no pgturnstile_client_connections_total")
	}
	if body := get(t, env["JWKS_URL"]); !strings.Contains(body, `"kty":"RSA"`) {
		t.Errorf("the key set is %s", body)
	}
	conn, err := pgx.Connect(t.Context(), env["ADMIN_DSN"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var super, tls bool
	var database string
	err = conn.QueryRow(t.Context(), "select usesuper, ssl, current_database() from pg_user, pg_stat_ssl where usename = current_user and pid = pg_backend_pid()").
		Scan(&super, &tls, &database)
	if err != nil || !super || tls || database != env["PGDATABASE"] || !strings.Contains(env["ADMIN_DSN"], "sslmode=disable") {
		t.Errorf("ADMIN_DSN: superuser %v, TLS %v, database %s, %v", super, tls, database, err)
	}
	var users string
	if err := conn.QueryRow(t.Context(), "select string_agg(user_id, ',' order by user_id) from todos").Scan(&users); err != nil || users != "alice,bob" {
		t.Errorf("todos holds rows of %s, %v", users, err)
	}
	answer, err := http.Post(env["NEON_URL"], "application/json", strings.NewReader(`{"query":"select 1"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("NEON_URL answers a request without a token with %s", answer.Status)
	}
}

func checkTokens(t *testing.T, folders devFolders, ready string) {
	t.Helper()
	jwt := regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]+\n$`)
	for _, args := range [][]string{
		{"--user", "carol"},
		{"--user", "carol", "--ready-file", ready},
		{"--user", "carol", "--use", "id", "--group", "a", "--group", "b", "--expires", "10m"},
	} {
		if out, errs, code := folders.token(t, args...); code != 0 || errs != "" || !jwt.MatchString(out) {
			t.Errorf("dev token %v: code %d, %s%s", args, code, out, errs)
		}
	}
	for _, bad := range []struct {
		args []string
		code int
		text string
	}{
		{nil, exitUsage, "a token needs a user"},
		{[]string{"--user", "carol", "--expires", "48h"}, exitUsage, "a token lives at most 24h0m0s"},
		{[]string{"--user", "carol", "--use", "refresh"}, exitUsage, `a token's use is access or id, not "refresh"`},
		{[]string{"--user", "carol", "--ready-file", "no-such-file"}, exitFault, "no such file or directory"},
		{[]string{"--user", "carol", "--ready-file", "dev_test.go"}, exitFault, "is no file that pgturnstile dev wrote"},
	} {
		if out, errs, code := folders.token(t, bad.args...); code != bad.code || out != "" || !strings.Contains(errs, bad.text) {
			t.Errorf("dev token %v: code %d, %s%s; want %d, %s", bad.args, code, out, errs, bad.code, bad.text)
		}
	}
	// A second stack, as its state file and socket say it is there.
	second := folders.start(t, "dev")
	folder := filepath.Join(folders.runtime, "pgturnstile")
	state := filepath.Join(folder, "dev-"+strconv.Itoa(second.cmd.Process.Pid)+".env")
	second.until(t, "second state file", func() bool { _, err := os.Stat(state); return err == nil })
	_, errs, code := folders.token(t, "--user", "carol")
	if code != exitFault || !strings.Contains(errs, "2 are running: name one by its file") || !strings.Contains(errs, state) {
		t.Errorf("a token of one of two: code %d, %s", code, errs)
	}
	if out, errs, code := folders.token(t, "--user", "carol", "--ready-file", state); code != 0 || !jwt.MatchString(out) {
		t.Errorf("a token of the named one: code %d, %s", code, errs)
	}
	if err := second.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := second.end(t); code != 0 {
		t.Errorf("exit code %d after SIGINT: %s", code, &second.stderr)
	}
	if out, errs, code := folders.token(t, "--user", "carol"); code != 0 || !jwt.MatchString(out) {
		t.Errorf("a token of the one that is left: code %d, %s", code, errs)
	}
}

func TestDevEmptyWithARouteForVisitors(t *testing.T) {
	folders := newDevFolders(t)
	ready := filepath.Join(t.TempDir(), "ready")
	p := folders.start(t, "dev", "--empty", "--route", "visitors=anonymous", "--ready-file", ready)
	p.until(t, "ready file", func() bool { _, err := os.Stat(ready); return err == nil })
	env, err := readEnvironment(ready)
	if err != nil {
		t.Fatal(err)
	}
	for database, role := range map[string]string{env.get("PGDATABASE"): "authenticated", "visitors": "anonymous"} {
		c, err := pgx.ParseConfig("host=" + env.get("PGHOST") + " port=" + env.get("PGPORT") + " user=any dbname=" + database +
			" sslmode=verify-full sslrootcert=" + env.get("PGSSLROOTCERT"))
		if err != nil {
			t.Fatal(err)
		}
		c.Password, c.DefaultQueryExecMode = env.get("TOKEN_ALICE"), pgx.QueryExecModeSimpleProtocol
		conn, err := pgx.ConnectConfig(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		var who string
		var tables int
		err = conn.QueryRow(t.Context(), "select current_user || ' ' || auth.user_id(), (select count(*) from pg_tables where schemaname = 'public')").Scan(&who, &tables)
		if err != nil || who != role+" alice" || tables != 0 {
			t.Errorf("in %s alice is %q and there are %d tables, %v; want %s and none", database, who, tables, err, role)
		}
		conn.Close(t.Context())
	}
	p.until(t, "printed commands", func() bool { return strings.Contains(p.stdout.String(), "Ctrl-C") })
	if printed := p.stdout.String(); !strings.Contains(printed, "The database is empty.") || strings.Contains(printed, "todos") {
		t.Errorf("printed: %s", printed)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM: %s", code, &p.stderr)
	}
}

func TestDevDemo(t *testing.T) {
	folders := newDevFolders(t)
	p := folders.start(t, "dev", "--demo")
	code := p.end(t)
	printed := p.stdout.String()
	if code != 0 || strings.Contains(printed, "DIFFERS") || !strings.Contains(printed, "demo: all "+strconv.Itoa(len(demoSteps))+" steps as they must be") {
		t.Errorf("exit code %d:\n%s%s", code, printed, &p.stderr)
	}
	if strings.Contains(printed+p.stderr.String(), "eyJ") {
		t.Error("a token was printed")
	}
	if left := folders.left(t); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if pids := processesOf(t, folders); pids != nil {
		t.Errorf("still running: %v", pids)
	}
}

func TestDevRefusesAPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	folders := newDevFolders(t)
	p := folders.start(t, "dev", "--port", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	if code := p.end(t); code != exitFault || !strings.Contains(p.stderr.String(), "address already in use") {
		t.Errorf("exit code %d: %s", code, &p.stderr)
	}
	if left := folders.left(t); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestDevSaysWhatIsMissing(t *testing.T) {
	folders := newDevFolders(t)
	cmd := folders.command(t.Context(), "dev", "--demo")
	cmd.Env = append(cmd.Env, "PATH="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != exitFault || !strings.Contains(string(out), "apt-get install postgresql-client") {
		t.Errorf("without psql: %v, %s", err, out)
	}
	for _, args := range [][]string{{"dev", "--port", "65536"}, {"dev", "--log-level", "loud"}, {"dev", "operand"}, {"dev", "--demo", "--empty"},
		{"dev", "--route", "visitors"}, {"dev", "--route", "visitors=postgres"}, {"dev", "--route", "=anonymous"}, {"dev", "--route", "neondb=anonymous"}} {
		cmd := folders.command(t.Context(), args...)
		if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != exitUsage {
			t.Errorf("%v: %v, %s", args, err, out)
		}
	}
}
