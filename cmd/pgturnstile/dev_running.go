package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// A running stack is known to `pgturnstile dev token` by a state file in the user's runtime folder. It has the form of a
// ready file, so that either can be named by --ready-file, but holds no token.

const (
	stateFile   = "dev-*.env" // * is the pid
	tokenSocket = "TOKEN_SOCKET"
	stackFolder = "STACK_DIR"
)

// runtimeFolder returns the folder for state files, which may not be there yet: under XDG_RUNTIME_DIR, else a folder of this
// user's own in the folder for temporary files.
func runtimeFolder() string {
	if base := os.Getenv("XDG_RUNTIME_DIR"); base != "" && checkPrivate(base) == nil {
		return filepath.Join(base, "pgturnstile")
	}
	return filepath.Join(os.TempDir(), "pgturnstile-"+strconv.Itoa(os.Getuid()))
}

// checkPrivate returns an error unless path is a folder, not a link to one, of this user and of nobody else.
func checkPrivate(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(owner.Uid) != os.Getuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a folder that only you can enter: remove it, or set XDG_RUNTIME_DIR", path)
	}
	return nil
}

// stateOf is what other processes need to know of a stack.
func stateOf(s *devstack.Stack) environment {
	host, port := s.HostPort()
	return environment{
		{"PID", strconv.Itoa(os.Getpid())},
		{"PGHOST", host},
		{"PGPORT", port},
		{tokenSocket, s.TokenSocket()},
		{stackFolder, s.Dir()},
	}
}

// writeState makes the stack known and returns the file's name.
func writeState(s *devstack.Stack) (string, error) {
	folder := runtimeFolder()
	path := filepath.Join(folder, strings.Replace(stateFile, "*", strconv.Itoa(os.Getpid()), 1))
	for try := 0; ; try++ {
		if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		// Only this user can enter it; one that somebody else prepared is refused.
		if err := checkPrivate(folder); err != nil {
			return "", err
		}
		err := stateOf(s).write(path)
		if !errors.Is(err, fs.ErrNotExist) || try > 0 {
			return path, err
		}
		// Another stack has ended just now and taken the folder away.
	}
}

// removeState takes the stack's file away, and the folder with the last one.
func removeState(path, pid string) error {
	err := removeOwn(path, pid)
	_ = os.Remove(filepath.Dir(path)) // as long as there are others it is not empty, and stays
	return err
}

// running is a stack that was found.
type running struct {
	path string // its state file
	env  environment
}

// findRunning returns the stacks of this user that answer. What a killed one left behind is removed.
func findRunning() ([]running, error) {
	folder := runtimeFolder()
	if err := checkPrivate(folder); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(folder, stateFile))
	if err != nil {
		return nil, err
	}
	var found []running
	for _, path := range paths {
		env, err := readEnvironment(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it ended just now
		}
		if err != nil {
			return nil, err
		}
		if answers(env.get(tokenSocket)) {
			found = append(found, running{path, env})
			continue
		}
		if err := errors.Join(devstack.RemoveLeftover(env.get(stackFolder)), os.Remove(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return found, nil
}

func answers(socket string) bool {
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// theRunning returns the socket of the only stack that runs, or a sentence that says why there is no such.
func theRunning() (string, error) {
	found, err := findRunning()
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return "", errors.New(`nothing is running: start "pgturnstile dev" first`)
	case 1:
		return found[0].env.get(tokenSocket), nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d are running: name one by its file", len(found))
	for _, r := range found {
		fmt.Fprintf(&text, "\n  --ready-file %s (pid %s, port %s)", shellQuote(r.path), r.env.get("PID"), r.env.get("PGPORT"))
	}
	return "", errors.New(text.String())
}
