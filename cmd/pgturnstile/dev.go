package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/pgturnstile/pgturnstile/config"
	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

func devCommand() command {
	return command{
		name:    "dev",
		summary: "start Postgres, a stand-in for Neon, an issuer and the proxy, to try things on",
		run:     runDev,
	}
}

// devRoute is one more route to the stack's database: under the name of database, as role.
type devRoute struct{ database, role string }

// devFlags is the command line of `pgturnstile dev`.
type devFlags struct {
	readyFile string
	demo      bool
	empty     bool
	routes    []devRoute
	port      int
	logLevel  string
}

func runDev(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "token" {
		return runDevToken(ctx, args[1:], stdout, stderr)
	}
	fs := flag.NewFlagSet("dev", flag.ContinueOnError)
	var f devFlags
	fs.StringVar(&f.readyFile, "ready-file", "", "`file` to write, for a shell to source, when all is ready; mode 0600, as it holds tokens")
	fs.BoolVar(&f.demo, "demo", false, "tell the story of two users with psql, and end; not zero if a step differs")
	fs.BoolVar(&f.empty, "empty", false, "leave the database empty, for migrations of your own: no table todos, no grants")
	fs.Func("route", "one more `database=role`: that startup database is the same one, as authenticated or anonymous; may be repeated", func(s string) error {
		database, role, _ := strings.Cut(s, "=")
		if database == "" || database == devstack.Database || role != devstack.Role && role != devstack.AnonymousRole {
			return errors.New("it is database=authenticated or database=anonymous, with a name that is not yet taken")
		}
		f.routes = append(f.routes, devRoute{database, role})
		return nil
	})
	fs.IntVar(&f.port, "port", 0, "`port` of the proxy on 127.0.0.1; 0: a free one")
	fs.StringVar(&f.logLevel, "log-level", "warn", "what the proxy logs to stderr from: debug, info, warn or error")
	if code, done := parseFlags(fs, args, stdout, stderr); done {
		return code
	}
	log := config.Log{Level: config.LogLevel(f.logLevel), Format: config.FormatText}
	if _, ok := logLevels[log.Level]; !ok || f.port < 0 || f.port > 65535 {
		fmt.Fprintln(stderr, "pgturnstile dev: --port is 0 to 65535, --log-level debug, info, warn or error")
		return exitUsage
	}
	if f.demo && f.empty {
		fmt.Fprintln(stderr, "pgturnstile dev: --demo needs the table that --empty leaves out")
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	if err := dev(ctx, f, newLogger(log, stderr), stdout); err != nil {
		fmt.Fprintf(stderr, "pgturnstile dev: %v\n", err)
		return exitFault
	}
	return exitOK
}

// errDemoDiffers is a demo that did not go as it must.
var errDemoDiffers = errors.New("the demo differs")

// dev runs a stack until ctx ends, or through the demo. Whatever it made is gone when it returns.
func dev(ctx context.Context, f devFlags, log *zap.Logger, stdout io.Writer) (err error) {
	var psql string
	if f.demo {
		if psql, err = exec.LookPath("psql"); err != nil {
			return fmt.Errorf("the demo needs psql: %s", psqlHint)
		}
	}
	if err := removeOld(f.readyFile); err != nil {
		return err
	}
	if _, err := findRunning(); err != nil { // removes what a killed one left
		return err
	}
	stack, err := devstack.Start(ctx, devstack.Options{Port: f.port, DefaultRoute: true, Empty: f.empty, Log: log, Config: func(c *config.Config, s *devstack.Stack) {
		for _, r := range f.routes {
			c.Routes = append(c.Routes, s.Route(r.database, r.role))
		}
	}})
	if err != nil {
		if ctx.Err() != nil {
			return nil // it was told to end while it started
		}
		return err
	}
	defer func() { err = errors.Join(err, stack.Close()) }()
	state, err := writeState(stack)
	if err != nil {
		return err
	}
	pid := strconv.Itoa(os.Getpid())
	defer func() { err = errors.Join(err, removeState(state, pid)) }()
	if f.readyFile != "" {
		ready, err := readyOf(stack)
		if err != nil {
			return err
		}
		if err := ready.write(f.readyFile); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, removeOwn(f.readyFile, pid)) }()
	}
	if f.demo {
		differ, err := runDemo(ctx, psql, stack, stdout)
		switch {
		case err != nil:
			return err
		case differ > 0:
			return fmt.Errorf("%w in %d of %d steps", errDemoDiffers, differ, len(demoSteps))
		}
		fmt.Fprintf(stdout, "demo: all %d steps as they must be\n", len(demoSteps))
		return nil
	}
	printCommands(stdout, stack, f)
	select {
	case <-ctx.Done():
		return nil
	case <-stack.Failed():
		return stack.Err()
	}
}

// removeOld takes away the ready file of an earlier run, so that whoever waits for it waits for this one's.
func removeOld(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	env, err := readEnvironment(path)
	if err != nil || env.get(tokenSocket) == "" {
		return fmt.Errorf("%s exists and is no ready file: remove it or name another", path)
	}
	return os.Remove(path)
}

// connectionOf is how a client connects, in libpq's variables.
func connectionOf(s *devstack.Stack) environment {
	host, port := s.HostPort()
	return environment{
		{"PGHOST", host},
		{"PGPORT", port},
		{"PGDATABASE", devstack.Database},
		{"PGUSER", devstack.Role},
		{"PGSSLMODE", "verify-full"},
		{"PGSSLROOTCERT", s.CAFile()},
	}
}

// readyOf is the ready file's content, with a token for each of the two users.
func readyOf(s *devstack.Stack) (environment, error) {
	env := connectionOf(s)
	for _, user := range []string{"alice", "bob"} {
		token, err := s.Mint(devstack.TokenRequest{User: user})
		if err != nil {
			return nil, err
		}
		env = append(env, variable{"TOKEN_" + strings.ToUpper(user), token})
	}
	return append(env,
		variable{"NEON_URL", s.NeonURL()},
		variable{"JWKS_URL", s.JWKSURL()},
		variable{"METRICS_URL", s.MetricsURL()},
		variable{"ADMIN_DSN", s.AdminDSN()},
		variable{"PID", strconv.Itoa(os.Getpid())},
		variable{tokenSocket, s.TokenSocket()},
		variable{stackFolder, s.Dir()},
	), nil
}

// printCommands prints what to paste into another terminal. No token is printed: the command line fetches one itself.
func printCommands(w io.Writer, s *devstack.Stack, f devFlags) {
	host, port := s.HostPort()
	dsn := fmt.Sprintf("host=%s port=%s sslmode=verify-full sslrootcert=%s user=%s dbname=%s", host, port, s.CAFile(), devstack.Role, devstack.Database)
	token := selfName() + " dev token"
	if readyFile := f.readyFile; readyFile != "" {
		if absolute, err := filepath.Abs(readyFile); err == nil {
			readyFile = absolute
		}
		token += " --ready-file " + shellQuote(readyFile)
	}
	fmt.Fprint(w, "pgturnstile dev is ready. In another terminal:\n\n")
	for _, user := range []string{"alice", "bob"} {
		fmt.Fprintf(w, "  PGPASSWORD=$(%s --user %s) psql %s\n", token, user, doubleQuote(dsn))
	}
	if f.empty {
		fmt.Fprintf(w, "\nThe database is empty. ADMIN_DSN in the --ready-file connects the superuser directly, for migrations.\n")
	} else {
		fmt.Fprintf(w, "\nThe table todos is there, empty, and everybody owns their rows: insert into todos (task) values ('...').\n")
	}
	fmt.Fprintf(w, "Metrics: %s\nCtrl-C ends all of it and removes what it made.\n", s.MetricsURL())
}

// doubleQuote puts s into double quotes for a POSIX shell.
func doubleQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s) + `"`
}

// selfName is how this program is called from anywhere: by its name if the shell finds it so, else by its path.
func selfName() string {
	self, err := os.Executable()
	if err != nil {
		return "pgturnstile"
	}
	if found, err := exec.LookPath("pgturnstile"); err == nil && sameFile(found, self) {
		return "pgturnstile"
	}
	return shellQuote(self)
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
