package postgres

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is whom the server runs as.
type account struct {
	name     string
	uid, gid int
	same     bool // we are that user
}

// serverAccount returns ourselves or, as the server refuses to run as root, an unprivileged user of this machine.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid(), same: true}, nil
	}
	for _, name := range []string{"postgres", "nobody", "daemon"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name: name, uid: uid, gid: gid}, nil
		}
	}
	return account{}, fmt.Errorf("postgres: the server does not run as root, and there is no user postgres, nobody or daemon to run it as")
}

// sysProcAttr lets a process run as a and end when we end, however that happens. Immediate shutdown (SIGQUIT) is what is
// left to ask for then: nobody will wait for clients or need the data.
func sysProcAttr(a account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT, Setpgid: true}
	if !a.same {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}
