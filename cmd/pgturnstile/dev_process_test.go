package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// commandEnv makes this test binary the command itself, so that the tests start what users start.
const commandEnv = "TEST_PGTURNSTILE_COMMAND" // no setting: those begin with PGTURNSTILE_

func TestMain(m *testing.M) {
	if os.Getenv(commandEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// devLimit is how long a stack may take to start or to end on a machine that is busy with other tests.
const devLimit = 90 * time.Second

// process is a pgturnstile of its own.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr output
	done           chan struct{} // closed when it has ended
}

// output is what a process has printed so far. Safe for concurrent use.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// devFolders are where a process may leave something: nothing else of this machine is looked at.
type devFolders struct{ temporary, runtime string }

func newDevFolders(t *testing.T) devFolders {
	t.Helper()
	// A Unix socket's path has room for 107 bytes only, which t.TempDir may use up. The database's own user must be able to
	// enter.
	temporary, err := os.MkdirTemp("", "dev")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temporary) })
	if err := os.Chmod(temporary, 0o711); err != nil {
		t.Fatal(err)
	}
	runtime := filepath.Join(temporary, "run")
	if err := os.Mkdir(runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	return devFolders{temporary, runtime}
}

func (f devFolders) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), commandEnv+"=1", "TMPDIR="+f.temporary, "XDG_RUNTIME_DIR="+f.runtime)
	return cmd
}

func (f devFolders) start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: f.command(context.Background(), args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the exit code is looked at
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// until waits for condition, unless the process ends first.
func (p *process) until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(devLimit)
	for !condition() {
		select {
		case <-p.done:
			t.Fatalf("waiting for %s: it ended with %d: %s%s", what, p.cmd.ProcessState.ExitCode(), &p.stdout, &p.stderr)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s", what)
		}
	}
}

// end waits for the end and returns the exit code.
func (p *process) end(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(devLimit):
		t.Fatal("it does not end")
		return -1
	}
}

// token runs `pgturnstile dev token`.
func (f devFolders) token(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := f.command(t.Context(), append([]string{"dev", "token"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// left returns what stands in the folders.
func (f devFolders) left(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(f.temporary, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != f.temporary && path != f.runtime {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// processesOf returns the processes whose command line names the folders.
func processesOf(t *testing.T, f devFolders) []string {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range lines {
		if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte(f.temporary)) {
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return found
}
