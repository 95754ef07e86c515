package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestEnvironmentIsWhatAShellReads(t *testing.T) {
	values := []string{"", "plain-1_2.3:4/5@6%7+8=9,0", "a b", "it's", "$(id)`id`\\\"", "ä\ttab", "'", "''x''"}
	var e environment
	for i, v := range values {
		e = append(e, variable{"V" + string(rune('A'+i)), v})
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := e.write(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	read, err := readEnvironment(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		name := "V" + string(rune('A'+i))
		if got := read.get(name); got != v {
			t.Errorf("%s is read as %q, want %q", name, got, v)
		}
		out, err := exec.Command("sh", "-c", `. "$1"; printf %s "$`+name+`"`, "sh", path).Output()
		if err != nil || string(out) != v {
			t.Errorf("a shell reads %s as %q, %v; want %q", name, out, err, v)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v; want the file alone", entries, err)
	}
}

func TestOnlyItsOwnReadyFileIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, c := range []struct {
		content string
		removed bool
	}{
		{"PID=17\n", true},
		{"PID=18\n", false},
		{"something else\n", false},
	} {
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := removeOwn(path, "17"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) != c.removed {
			t.Errorf("%q: removed: %v, want %v", c.content, !c.removed, c.removed)
		}
	}
	if err := removeOld(path); err == nil || !strings.Contains(err.Error(), "is no ready file") {
		t.Errorf("a foreign file in the ready file's place: %v", err)
	}
	if err := os.WriteFile(path, []byte("PID=18\nTOKEN_SOCKET=/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := removeOld(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the ready file of an earlier run is still there: %v", err)
	}
}

func TestTheRunningIsFoundByItsSocket(t *testing.T) {
	folders := newDevFolders(t)
	t.Setenv("TMPDIR", folders.temporary)
	t.Setenv("XDG_RUNTIME_DIR", folders.runtime)
	if _, err := theRunning(); err == nil || err.Error() != `nothing is running: start "pgturnstile dev" first` {
		t.Errorf("none: %v", err)
	}
	folder := runtimeFolder()
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(folders.temporary, "a.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	alive := filepath.Join(folder, "dev-1.env")
	if err := (environment{{"PID", "1"}, {tokenSocket, socket}}).write(alive); err != nil {
		t.Fatal(err)
	}
	// One that was killed: its folder is there, and nobody listens.
	leftover := filepath.Join(folders.temporary, "pgturnstile-dev-1")
	if err := os.Mkdir(leftover, 0o700); err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(folder, "dev-2.env")
	if err := (environment{{"PID", "2"}, {tokenSocket, filepath.Join(leftover, "b.sock")}, {stackFolder, leftover}}).write(dead); err != nil {
		t.Fatal(err)
	}
	if got, err := theRunning(); err != nil || got != socket {
		t.Errorf("found %q, %v; want %q", got, err, socket)
	}
	for _, path := range []string{dead, leftover} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of a killed one is still there: %v", path, err)
		}
	}
	second := filepath.Join(folder, "dev-3.env")
	if err := (environment{{"PID", "3"}, {"PGPORT", "33"}, {tokenSocket, socket}}).write(second); err != nil {
		t.Fatal(err)
	}
	if _, err := theRunning(); err == nil || !strings.Contains(err.Error(), "2 are running") || !strings.Contains(err.Error(), "--ready-file "+second+" (pid 3, port 33)") {
		t.Errorf("two: %v", err)
	}
}

func TestTheRuntimeFolderIsThisUsersAlone(t *testing.T) {
	base := t.TempDir()
	t.Setenv("TMPDIR", base)
	t.Setenv("XDG_RUNTIME_DIR", "")
	folder := runtimeFolder()
	if filepath.Dir(folder) != base {
		t.Fatalf("the folder is %s, want one in %s", folder, base)
	}
	if _, err := theRunning(); err == nil || !strings.Contains(err.Error(), "nothing is running") {
		t.Errorf("without the folder: %v", err)
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := theRunning(); err == nil || !strings.Contains(err.Error(), "is not a folder that only you can enter") {
		t.Errorf("a folder that others can enter: %v", err)
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	own := t.TempDir()
	if err := os.Chmod(own, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(own, folder); err != nil {
		t.Fatal(err)
	}
	if _, err := theRunning(); err == nil || !strings.Contains(err.Error(), "is not a folder that only you can enter") {
		t.Errorf("a link in the folder's place: %v", err)
	}
	// XDG_RUNTIME_DIR of another user (sudo), or open to others, is no place for our files.
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", open)
	if got := runtimeFolder(); got != folder {
		t.Errorf("with a foreign XDG_RUNTIME_DIR the folder is %s, want %s", got, folder)
	}
}
