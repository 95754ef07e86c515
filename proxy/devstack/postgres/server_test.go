package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// childEnv makes this test binary start a server, print its pid and directory, and wait to be killed.
const childEnv = "PGTURNSTILE_TEST_POSTGRES_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		s, err := Start(context.Background(), Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(s.PID(), s.SocketDir())
		<-s.Done()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestServerStartsAnswersAndLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Start(ctx, Options{Settings: map[string]string{"deadlock_timeout": "200ms", "max_connections": "17"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	got := query(t, s.DSN("postgres", Superuser), `CREATE ROLE visitor LOGIN;
		SELECT current_setting('deadlock_timeout') || ' ' || current_setting('max_connections') || ' ' || current_setting('fsync')
		|| ' ' || current_setting('TimeZone') || ' ' || current_setting('server_encoding') || ' ' || current_setting('data_directory')`)
	if want := "200ms 17 off GMT UTF8 " + filepath.Join(s.SocketDir(), "data"); got != want {
		t.Errorf("settings are %q, want %q", got, want)
	}
	if got := query(t, s.DSN("postgres", "visitor"), "SELECT current_user"); got != "visitor" {
		t.Errorf("a role without password is %q, want visitor", got)
	}
	if _, err := pgconn.Connect(ctx, strings.Replace(s.DSN("postgres", "visitor"), "visitor", Superuser, 1)); err == nil {
		t.Error("the superuser connects over TCP without its password")
	}
	query(t, s.DSN("postgres", Superuser), "CREATE ROLE "+PasswordGroup+"; CREATE ROLE member LOGIN PASSWORD 'sesame' IN ROLE "+PasswordGroup+"; SELECT 1")
	for password, lets := range map[string]bool{"sesame": true, "guess": false} {
		conn, err := pgconn.Connect(ctx, strings.Replace(s.DSN("postgres", "member"), "member", "member:"+password, 1))
		if (err == nil) != lets {
			t.Errorf("a role that needs its password, with %q: %v", password, err)
		}
		if err == nil {
			conn.Close(ctx)
		}
	}
	pid := s.PID()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("the second Stop: %v", err)
	}
	if _, err := os.Stat(s.SocketDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the postmaster is still there: %v", err)
	}
}

func TestServerDiesWithItsProcess(t *testing.T) {
	parent := t.TempDir()
	for dir := parent; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1", "TMPDIR="+parent)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	first, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, as asked
	deadline := time.Now().Add(20 * time.Second)
	for alive(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("the postmaster %d outlives its process", pid)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("the killed process' directory: %v", err)
	}
	sweep(parent)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the sweep left the directory of a dead process: %v", err)
	}
}

// alive: a zombie that its new parent has not collected yet is gone for our purpose.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestSweepSparesTheLiving(t *testing.T) {
	s := &Server{account: account{same: true}}
	parent := t.TempDir()
	if err := s.makeDir(parent); err != nil {
		t.Fatal(err)
	}
	sweep(parent)
	if _, err := os.Stat(s.dir); err != nil {
		t.Errorf("the sweep took a directory in use: %v", err)
	}
	if err := s.removeDir(); err != nil {
		t.Fatal(err)
	}
}

func TestStartFailures(t *testing.T) {
	empty := t.TempDir()
	if _, err := Start(t.Context(), Options{Bin: empty}); err == nil || !strings.Contains(err.Error(), "initdb") {
		t.Errorf("no binaries: %v", err)
	}
	_, err := Start(t.Context(), Options{Settings: map[string]string{"no_such_setting": "1"}})
	if err == nil || !strings.Contains(err.Error(), `unrecognized configuration parameter "no_such_setting"`) {
		t.Errorf("an unknown setting: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("changed my mind")
	cancel(cause)
	if _, err := Start(ctx, Options{}); !errors.Is(err, cause) {
		t.Errorf("a cancelled start: %v", err)
	}
}

func TestFindBinariesSaysHowToInstall(t *testing.T) {
	defer func(dirs []string) { binDirs = dirs }(binDirs)
	binDirs = []string{filepath.Join(t.TempDir(), "*", "bin")}
	t.Setenv("PATH", t.TempDir())
	if _, err := FindBinaries(); err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("error is %v", err)
	}
}

func TestFindBinariesPrefersTheNewest(t *testing.T) {
	defer func(dirs []string) { binDirs = dirs }(binDirs)
	root := t.TempDir()
	binDirs = []string{filepath.Join(root, "*", "bin")}
	for _, version := range []string{"9.6", "15", "16", "17"} {
		bin := filepath.Join(root, version, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"initdb", "postgres"} {
			if version == "17" && name == "initdb" {
				continue // a client-only installation does not count
			}
			if err := os.WriteFile(filepath.Join(bin, name), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := FindBinaries()
	if want := filepath.Join(root, "16", "bin"); err != nil || got != want {
		t.Errorf("found %q, %v; want %q", got, err, want)
	}
}

func query(t *testing.T, dsn, sql string) string {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	results, err := conn.Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return string(results[len(results)-1].Rows[0][0])
}
