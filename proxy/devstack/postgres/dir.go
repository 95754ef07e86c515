package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// makeDir makes the directory that holds data, socket and lock, owned by the server's user, after removing those that a
// killed process left behind.
func (s *Server) makeDir(parent string) error {
	if parent == "" {
		parent = os.TempDir()
	}
	sweep(parent)
	dir, err := os.MkdirTemp(parent, dirPrefix)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	s.dir = dir
	if err := s.takeLock(); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.give(dir); err != nil {
		return errors.Join(err, s.removeDir())
	}
	return nil
}

// takeLock locks a file before it gets its name, so that a sweep never sees ours unlocked.
func (s *Server) takeLock() error {
	f, err := os.OpenFile(filepath.Join(s.dir, lockName+".new"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("postgres: lock %s: %w", s.dir, err), f.Close())
	}
	s.lock = f
	if err := os.Rename(f.Name(), filepath.Join(s.dir, lockName)); err != nil {
		return errors.Join(fmt.Errorf("postgres: %w", err), f.Close())
	}
	return nil
}

// give makes path the server user's.
func (s *Server) give(path string) error {
	if s.account.same {
		return nil
	}
	if err := os.Chown(path, s.account.uid, s.account.gid); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	return nil
}

func (s *Server) removeDir() error {
	err := os.RemoveAll(s.dir)
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
		s.lock = nil
	}
	if err != nil {
		return fmt.Errorf("postgres: remove the data directory: %w", err)
	}
	return nil
}

// sweep removes directories of ours whose process is gone: their lock can be had. What cannot be removed is left to its
// owner.
func sweep(parent string) {
	locks, err := filepath.Glob(filepath.Join(parent, dirPrefix+"*", lockName))
	if err != nil {
		return
	}
	for _, path := range locks {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(filepath.Dir(path)) // best effort: the next start tries again
		}
		_ = f.Close()
	}
}
