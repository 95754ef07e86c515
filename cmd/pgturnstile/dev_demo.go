package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// psqlHint says how to get psql where it is missing.
const psqlHint = "install psql, for example: apt-get install postgresql-client"

// demoStep is one psql command of the story, and what must come of it.
type demoStep struct {
	title  string
	user   string // whose token is the password
	spoil  func(token string) string
	age    time.Duration // how long ago the token expired; 0: it is valid
	sql    string
	answer string // psql's whole output, without the line end after it
	// A step that is to fail has this instead: the sentence behind "ERROR:" or "FATAL:", as an expression.
	refusal string
	fatal   bool // refused at login
}

// demoSteps are the story: two users, their own rows, and tokens that are refused.
var demoSteps = []demoStep{
	{title: "alice is who her token says", user: "alice",
		sql: "select auth.user_id(), current_user", answer: "alice|authenticated"},
	{title: "alice adds two rows", user: "alice",
		sql: "insert into todos (task) values ('water the plants'), ('call bob')", answer: "INSERT 0 2"},
	{title: "alice sees her rows", user: "alice",
		sql: "select user_id, task from todos order by id", answer: "alice|water the plants\nalice|call bob"},
	{title: "bob sees none of them", user: "bob",
		sql: "select count(*) from todos", answer: "0"},
	{title: "bob adds a row", user: "bob",
		sql: "insert into todos (task) values ('answer alice') returning task", answer: "answer alice\nINSERT 0 1"},
	{title: "bob sees his row alone", user: "bob",
		sql: "select user_id, task from todos", answer: "bob|answer alice"},
	{title: "bob's update of alice's rows touches none", user: "bob",
		sql: "update todos set is_complete = true where user_id = 'alice'", answer: "UPDATE 0"},
	{title: "bob's delete of alice's rows touches none", user: "bob",
		sql: "delete from todos where user_id = 'alice'", answer: "DELETE 0"},
	{title: "bob cannot write in alice's name", user: "bob",
		sql:     "insert into todos (user_id, task) values ('alice', 'trust bob')",
		refusal: `new row violates row-level security policy for table "todos"`},
	{title: "alice's rows are as they were", user: "alice",
		sql: "select task, is_complete from todos order by id", answer: "water the plants|f\ncall bob|f"},
	{title: "bob's token with alice's name written into it is refused", user: "bob", spoil: renamed,
		sql: "select 1", fatal: true, refusal: `JWT authentication failed: the token is not valid`},
	{title: "a token that has expired is refused", user: "alice", age: time.Hour,
		sql: "select 1", fatal: true, refusal: `JWT authentication failed: .*expired at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`},
	{title: "a password is refused", user: "alice", spoil: func(string) string { return "hunter2" },
		sql: "select 1", fatal: true, refusal: `JWT authentication failed: the token is not valid`},
}

// renamed makes bob's claims alice's and leaves bob's signature.
func renamed(token string) string {
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		panic("BUG: a minted token is no compact JWS: " + err.Error())
	}
	parts[1] = base64.RawURLEncoding.EncodeToString(bytes.ReplaceAll(claims, []byte(`"bob"`), []byte(`"alice"`)))
	return strings.Join(parts, ".")
}

// runDemo tells the story with psql, a path, on a stack, printing each step. It returns how many differ from what they must be.
func runDemo(ctx context.Context, psql string, s *devstack.Stack, w io.Writer) (differ int, err error) {
	for n, step := range demoSteps {
		token, err := s.Mint(devstack.TokenRequest{User: step.user, Expires: -step.age})
		if err != nil {
			return differ, err
		}
		if step.spoil != nil {
			token = step.spoil(token)
		}
		got, err := runPsql(ctx, psql, s, token, step.sql)
		if err != nil {
			return differ, err
		}
		fmt.Fprintf(w, "%2d. %s\n    %s=> %s\n", n+1, step.title, step.user, step.sql)
		indent(w, got.stdout+got.stderr)
		if fault := step.check(got); fault != "" {
			differ++
			fmt.Fprintf(w, "    DIFFERS: %s\n", fault)
		}
	}
	return differ, nil
}

// psqlResult is what one psql left.
type psqlResult struct {
	stdout, stderr string
	code           int
}

// psqlLimit is far beyond what a step takes.
const psqlLimit = time.Minute

// runPsql runs one psql through the proxy. The token goes by the environment: arguments can be seen by every user.
func runPsql(ctx context.Context, psql string, s *devstack.Stack, token, sql string) (psqlResult, error) {
	ctx, cancel := context.WithTimeout(ctx, psqlLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, psql, "--no-psqlrc", "--no-align", "--tuples-only", "--no-password", "--command="+sql)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PG") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	for _, v := range connectionOf(s) {
		cmd.Env = append(cmd.Env, v.name+"="+v.value)
	}
	cmd.Env = append(cmd.Env, "PGPASSWORD="+token)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		return psqlResult{}, fmt.Errorf("run psql: %w", err)
	}
	if ctx.Err() != nil {
		return psqlResult{}, fmt.Errorf("psql did not end: %w", context.Cause(ctx))
	}
	return psqlResult{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}, nil
}

// psql's exit codes.
const (
	psqlFailed  = 1 // the statement failed
	psqlRefused = 2 // no connection
)

// check returns how the result differs from what the step must give, "" if it does not.
func (s demoStep) check(got psqlResult) string {
	if s.refusal == "" {
		if got.code != 0 || got.stderr != "" || strings.TrimSuffix(got.stdout, "\n") != s.answer {
			return fmt.Sprintf("exit code 0 and this was to come:\n%s", s.answer)
		}
		return ""
	}
	code, severity := psqlFailed, "ERROR"
	if s.fatal {
		code, severity = psqlRefused, "FATAL"
	}
	// One sentence: psql prints a DETAIL or HINT, where there is one, on a line of its own.
	form := regexp.MustCompile(`^(psql: error: .*)?` + severity + `:  ` + s.refusal + `\n((DETAIL|HINT):  .*\n)*$`)
	if got.code != code || got.stdout != "" || !form.MatchString(got.stderr) {
		return fmt.Sprintf("exit code %d and this sentence was to come: %s:  %s", code, severity, s.refusal)
	}
	return ""
}

func indent(w io.Writer, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(w, "      %s", line)
	}
}
