package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// Superuser is the role that owns the cluster. It has a random password; other roles need none on loopback, but for members of PasswordGroup.
	Superuser = "postgres"
	// PasswordGroup makes passwords count: a member of a role of this name, if one is made, needs its own on loopback.
	PasswordGroup = "needs_password"

	startLimit   = 60 * time.Second // initdb and the first start together
	stopLimit    = 10 * time.Second // for fast shutdown, then again for immediate shutdown
	pollInterval = 20 * time.Millisecond
	portTries    = 5
	dirPrefix    = "pgturnstile-pg-"
	lockName     = "owner.lock"
)

// Options of a server. The zero value is a server for tests.
type Options struct {
	// Bin is the directory of initdb and postgres; "" finds it.
	Bin string
	// Parent is where the data directory is made; "" is os.TempDir(). The server's user must be able to enter it.
	Parent string
	// Durable keeps fsync, full page writes and synchronous commits on. Without it a crash of the machine may lose the cluster.
	Durable bool
	// Settings are added to postgresql.conf and win over everything set here.
	Settings map[string]string
}

// Server is a running PostgreSQL. Its methods are safe for concurrent use.
type Server struct {
	// Immutable after Start.
	dir, bin, password string
	port               int
	account            account
	lock               *os.File // held while the directory is in use
	process            *child
	output             *tail

	stop    sync.Once
	stopErr error
}

// Start makes a cluster (UTF8, C.UTF-8, TimeZone GMT) and returns once it answers. ctx bounds the start only, which gives
// up after a minute in any case; the server runs until Stop or the end of this process.
func Start(ctx context.Context, o Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if o.Bin == "" {
		bin, err := FindBinaries()
		if err != nil {
			return nil, err
		}
		o.Bin = bin
	}
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: o.Bin, account: acct, output: &tail{}, password: rand.Text()}
	if err := s.makeDir(o.Parent); err != nil {
		return nil, err
	}
	if err := s.initdb(ctx); err != nil {
		return nil, errors.Join(err, s.removeDir())
	}
	for try := 1; ; try++ {
		err = s.launch(ctx, o)
		if err == nil {
			return s, nil
		}
		// Between our look for a free port and the server's bind somebody else may have taken it.
		if !errors.Is(err, errPortTaken) || try == portTries {
			return nil, errors.Join(err, s.Stop())
		}
	}
}

// DSN returns a postgresql:// URL, complete in itself, that connects user to database over loopback.
func (s *Server) DSN(database, user string) string {
	u := url.URL{Scheme: "postgresql", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + database, RawQuery: "sslmode=disable"}
	u.User = url.User(user)
	if user == Superuser {
		u.User = url.UserPassword(user, s.password)
	}
	return u.String()
}

// Port is the TCP port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// SocketDir is the directory of the Unix socket; only we and the server's user may enter it.
func (s *Server) SocketDir() string { return s.dir }

// PID is the process id of the postmaster.
func (s *Server) PID() int { return s.process.cmd.Process.Pid }

// Done is closed when the server has ended, whoever ended it.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// Stop ends the server with a fast shutdown (open transactions are rolled back), harder if that takes too long, and removes
// its directory. Later calls return what the first one did.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		if s.process != nil {
			s.stopErr = s.process.end(syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL)
		}
		s.stopErr = errors.Join(s.stopErr, s.removeDir())
	})
	return s.stopErr
}

// end sends the signals one after the other, waiting for the end after each.
func (c *child) end(signals ...syscall.Signal) error {
	for _, sig := range signals {
		select {
		case <-c.done:
			return nil
		default:
		}
		if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("postgres: signal %v to process %d: %w", sig, c.cmd.Process.Pid, err)
		}
		select {
		case <-c.done:
			return nil
		case <-time.After(stopLimit):
		}
	}
	return fmt.Errorf("postgres: process %d did not end", c.cmd.Process.Pid)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) initdb(ctx context.Context) error {
	pwfile := filepath.Join(s.dir, "password")
	if err := os.WriteFile(pwfile, []byte(s.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	defer os.Remove(pwfile)
	if err := s.give(pwfile); err != nil {
		return err
	}
	cmd := s.command("initdb", "--pgdata="+s.data(), "--username="+Superuser, "--pwfile="+pwfile, "--encoding=UTF8",
		"--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync", "--no-instructions")
	c, err := startChild(cmd)
	if err != nil {
		return fmt.Errorf("postgres: start initdb: %w", err)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("postgres: initdb: %w", context.Cause(ctx)), c.end(syscall.SIGKILL))
	}
	if c.err != nil {
		return fmt.Errorf("postgres: initdb: %w: %s", c.err, strings.TrimSpace(s.output.String()))
	}
	// Whoever can enter the socket's directory is us. On TCP, any user of this machine can connect: the superuser needs its
	// password there, the roles that stand for Neon's have none.
	hba := "local all all trust\n" +
		"host all " + Superuser + " 127.0.0.1/32 scram-sha-256\n" +
		"host all +" + PasswordGroup + " 127.0.0.1/32 scram-sha-256\n" +
		"host all all 127.0.0.1/32 trust\n"
	if err := os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(hba), 0o600); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	return nil
}

// command is a server binary run as the server's user, in an environment without any PG* variable of ours.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + s.bin + ":/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=GMT"}
	cmd.Stdout, cmd.Stderr = s.output, s.output
	cmd.SysProcAttr = sysProcAttr(s.account)
	// The output pipe of a child that was killed may be held by its children.
	cmd.WaitDelay = time.Second
	return cmd
}

var errPortTaken = errors.New("postgres: port taken")

// launch starts postgres on a port that is free now and waits until it answers.
func (s *Server) launch(ctx context.Context, o Options) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.port = port
	args := []string{"-D", s.data()}
	for _, kv := range s.settings(o) {
		args = append(args, "-c", kv)
	}
	if s.process, err = startChild(s.command("postgres", args...)); err != nil {
		return fmt.Errorf("postgres: start: %w", err)
	}
	for {
		if s.ready(ctx) {
			return nil
		}
		select {
		case <-s.process.done:
			if out := s.output.String(); strings.Contains(out, "could not create any TCP/IP sockets") {
				return errPortTaken
			}
			return fmt.Errorf("postgres: the server ended at its start (%v): %s", s.process.err, strings.TrimSpace(s.output.String()))
		case <-ctx.Done():
			return fmt.Errorf("postgres: the server does not answer: %w: %s", context.Cause(ctx), strings.TrimSpace(s.output.String()))
		case <-time.After(pollInterval):
		}
	}
}

func (s *Server) settings(o Options) []string {
	set := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(s.port),
		"unix_socket_directories": s.dir,
		"unix_socket_permissions": "0700",
		"timezone":                "GMT",
		"log_timezone":            "GMT",
		"logging_collector":       "off",
	}
	if !o.Durable {
		set["fsync"], set["full_page_writes"], set["synchronous_commit"] = "off", "off", "off"
	}
	for k, v := range o.Settings {
		set[strings.ToLower(k)] = v
	}
	list := make([]string, 0, len(set))
	for k, v := range set {
		list = append(list, k+"="+v)
	}
	sort.Strings(list)
	return list
}

// ready reports whether OUR server answers: a stranger on the port would not know the random password.
func (s *Server) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, s.DSN("postgres", Superuser))
	if err != nil {
		return false
	}
	defer conn.Close(ctx)
	return conn.Exec(ctx, "SELECT 1").Close() == nil
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("postgres: find a free port: %w", err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	return port, ln.Close()
}
