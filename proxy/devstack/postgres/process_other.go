//go:build !linux

package postgres

import (
	"errors"
	"os"
	"syscall"
)

// account is whom the server runs as.
type account struct {
	name     string
	uid, gid int
	same     bool
}

func serverAccount() (account, error) {
	if os.Geteuid() == 0 {
		return account{}, errors.New("postgres: the server does not run as root: start this as another user")
	}
	return account{uid: os.Geteuid(), gid: os.Getegid(), same: true}, nil
}

// sysProcAttr: without Linux' parent-death signal a server outlives a process that is killed. Stop is unaffected.
func sysProcAttr(account) *syscall.SysProcAttr { return nil }
