package describeoracle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Regression is Postgres' own regression suite, run by the owner and compared on the way: each statement is asked about on both
// sides before the owner runs it, so that what it is about is there.
type Regression struct {
	Dir      string // src/test/regress of the source
	Pairs    int
	Tests    []string // nil: the whole schedule
	Progress io.Writer

	stack *Stack
	data  string // a copy of Dir/data that the server can read
	owner *pgconn.PgConn
	pairs []*pair
	batch []Statement
	cases []Case

	// Compared counts statements. Blocked are those that are not compared because the owner is in a transaction block: nobody
	// else sees what it has made there.
	Compared, Blocked int
}

// left out: tests that are about the cluster, or that change what both sides stand on.
var leftOutTests = map[string]bool{"tablespace": true, "subscription": true, "largeobject": true, "maintain_every": true}

// statementLimit is how long the owner may take for one statement.
const statementLimit = 60 * time.Second

// Run runs the suite on a stack that was started for it and returns the cases.
func (r *Regression) Run(ctx context.Context, stack *Stack) (_ []Case, err error) {
	r.stack = stack
	if r.Tests == nil {
		if r.Tests, err = schedule(r.Dir); err != nil {
			return nil, fmt.Errorf("describeoracle: %w", err)
		}
	}
	if r.data, err = readableCopy(r.Dir); err != nil {
		return nil, fmt.Errorf("describeoracle: %w", err)
	}
	defer os.RemoveAll(r.data)
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	defer func() {
		r.owner.Close(ctx)
		for _, p := range r.pairs {
			p.close()
		}
	}()
	for _, name := range r.Tests {
		if leftOutTests[name] {
			continue
		}
		start, before := time.Now(), len(r.cases)
		if err := r.test(ctx, name); err != nil {
			return nil, fmt.Errorf("describeoracle: test %s: %w", name, err)
		}
		fmt.Fprintf(r.Progress, "%s: %d cases in %.1f s\n", name, len(r.cases)-before, time.Since(start).Seconds())
	}
	return r.cases, nil
}

// readableCopy copies the suite's data to where the server's user can read it.
func readableCopy(dir string) (string, error) {
	copied, err := os.MkdirTemp("", "describeoracle-")
	if err != nil {
		return "", err
	}
	for _, sub := range []string{"", "data", "results"} {
		path := filepath.Join(copied, sub)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return "", err
		}
		if err := os.Chmod(path, 0o755); err != nil {
			return "", err
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "data", "*.data"))
	if err != nil {
		return "", err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(copied, "data", filepath.Base(file)), content, 0o644); err != nil {
			return "", err
		}
	}
	return copied, nil
}

// prepare gives the role of the statements every right, so that no privilege of the suite's objects comes in between, and the
// database the settings that the suite is written for.
func (r *Regression) prepare(ctx context.Context) error {
	if err := r.connectOwner(ctx); err != nil {
		return err
	}
	const settings = `ALTER ROLE authenticated SUPERUSER;
ALTER DATABASE neondb SET TimeZone = 'PST8PDT';
ALTER DATABASE neondb SET DateStyle = 'Postgres, MDY';
ALTER DATABASE neondb SET IntervalStyle = 'postgres_verbose';
ALTER DATABASE neondb SET timezone_abbreviations = 'Default';`
	if _, err := r.owner.Exec(ctx, settings).ReadAll(); err != nil {
		return fmt.Errorf("describeoracle: %w", err)
	}
	r.owner.Close(ctx)
	if err := r.connectOwner(ctx); err != nil {
		return err
	}
	for range r.Pairs {
		p, err := newPair(ctx, r.stack.Sides)
		if err != nil {
			return err
		}
		r.pairs = append(r.pairs, p)
	}
	return nil
}

func (r *Regression) connectOwner(ctx context.Context) error {
	owner, err := pgconn.Connect(ctx, r.stack.AdminDSN())
	if err != nil {
		return fmt.Errorf("describeoracle: %w", err)
	}
	r.owner = owner
	return nil
}

func (r *Regression) test(ctx context.Context, name string) error {
	s, err := readScript(filepath.Join(r.Dir, "sql", name+".sql"), r.data)
	if err != nil {
		return err
	}
	number := 0
	var held []scriptItem // of the batch, to be run when it was compared
	release := func() error {
		if err := r.compareBatch(ctx); err != nil {
			return err
		}
		for _, item := range held {
			if err := r.run(ctx, s, item); err != nil {
				return err
			}
		}
		held = nil
		return nil
	}
	for {
		item, ok := s.next()
		if !ok {
			break
		}
		number++
		if item.Meta == "connect" {
			if err := errors.Join(release(), r.reconnect(ctx, item.Argument)); err != nil {
				return err
			}
			continue
		}
		statement := Statement{Topic: name, Line: number, Text: item.SQL}
		if item.Meta == "" && keepsSchema.MatchString(item.SQL) && r.owner.TxStatus() == 'I' {
			r.batch, held = append(r.batch, statement), append(held, item)
			if len(held) < 200 {
				continue
			}
			statement.Text = ""
		}
		if err := release(); err != nil {
			return err
		}
		if statement.Text == "" {
			continue
		}
		if r.owner.TxStatus() == 'I' {
			r.batch = append(r.batch, statement)
			if err := r.compareBatch(ctx); err != nil {
				return err
			}
		} else {
			r.Blocked++
		}
		if err := r.run(ctx, s, item); err != nil {
			return err
		}
		if !keepsSchema.MatchString(item.SQL) && r.owner.TxStatus() == 'I' {
			if err := r.follow(ctx, s, item.SQL); err != nil {
				return err
			}
		}
	}
	if err := release(); err != nil {
		return err
	}
	// A test ends outside of a block and with the settings of the start; the next one begins a session of its own.
	return r.reconnect(ctx, "")
}

// keepsSchema is what can be compared together: it changes no schema.
var keepsSchema = regexp.MustCompile(`(?is)^\s*(select|values|table|insert|update|delete|merge|explain|show)\b`)

var settingChange = regexp.MustCompile(`(?is)^\s*(set|reset|discard)\s+(\S+)`)

// follow lets both sides' sessions take over a setting, and the proxy forget what it knows of a schema that has changed.
func (r *Regression) follow(ctx context.Context, s *script, sql string) error {
	change := settingChange.FindStringSubmatch(sql)
	if change == nil {
		return r.onPairs(func(p *pair) error { return p.proxy.query(ctx, "DO 'BEGIN END'") }, r.pairs[:1])
	}
	what := strings.ToLower(change[2])
	switch {
	case what == "role" || what == "session" || what == "local" || what == "transaction" || what == "constraints":
		return nil // the sessions stay those of a superuser, and outside of blocks
	case strings.EqualFold(change[1], "discard"):
		sql = "RESET ALL"
	case strings.HasPrefix(what, "standard_conforming_strings"):
		s.conforming = !strings.Contains(strings.ToLower(sql), "off")
	}
	return r.onPairs(func(p *pair) error {
		realErr, proxyErr := p.real.query(ctx, sql), p.proxy.query(ctx, sql)
		if (realErr == nil) != (proxyErr == nil) {
			fmt.Fprintf(r.Progress, "a setting on one side only: %s: direct %v, proxy %v\n", sql, realErr, proxyErr)
			p.close() // both begin anew, and so alike
		}
		return nil
	}, r.pairs)
}

func (r *Regression) onPairs(do func(*pair) error, pairs []*pair) error {
	errs := make([]error, len(pairs))
	var running sync.WaitGroup
	for i, p := range pairs {
		running.Go(func() { errs[i] = do(p) })
	}
	running.Wait()
	return errors.Join(errs...)
}

// reconnect gives the owner and both sides new sessions.
func (r *Regression) reconnect(ctx context.Context, as string) error {
	r.owner.Close(ctx)
	for _, p := range r.pairs {
		p.close()
	}
	if err := r.connectOwner(ctx); err != nil {
		return err
	}
	if fields := strings.Fields(as); len(fields) == 2 {
		_, _ = r.owner.Exec(ctx, "SET SESSION AUTHORIZATION "+fields[1]).ReadAll() // the suite goes on either way
	}
	return nil
}

// compareBatch asks about the batch's statements, in parallel, and empties it.
func (r *Regression) compareBatch(ctx context.Context) error {
	results := make([][]Case, len(r.batch))
	statements := make([]Statement, len(r.batch))
	copy(statements, r.batch)
	next := make(chan int, len(statements))
	for i := range statements {
		next <- i
	}
	close(next)
	err := r.onPairs(func(p *pair) (err error) {
		for i := range next {
			if results[i], err = p.cases(ctx, &statements[i]); err != nil {
				return fmt.Errorf("%q: %w", statements[i].Text, err)
			}
		}
		return nil
	}, r.pairs)
	if err != nil {
		return err
	}
	for _, list := range results {
		r.cases = append(r.cases, list...)
	}
	r.Compared += len(r.batch)
	r.batch = r.batch[:0]
	return nil
}

var copyToStdout = regexp.MustCompile(`(?is)^\s*copy\b.*\bto\s+stdout\b`)

var temporary = regexp.MustCompile(`(?is)^(\s*create\s+(?:or\s+replace\s+)?)(?:local\s+|global\s+)?temp(?:orary)?\s+((?:recursive\s+)?(?:table|view|sequence)\b)`)

// run runs an item as the owner. What fails, fails: the suite is full of errors. Temporary objects are made for all, so that both
// sides see them.
func (r *Regression) run(ctx context.Context, s *script, item scriptItem) error {
	ctx, cancel := context.WithTimeout(ctx, statementLimit)
	defer cancel()
	sql := item.SQL
	if !strings.Contains(strings.ToLower(sql), "on commit") {
		sql = temporary.ReplaceAllString(sql, "$1$2")
	}
	switch {
	case copyFromStdin.MatchString(sql):
		_, _ = r.owner.CopyFrom(ctx, strings.NewReader(item.CopyData), sql)
	case copyToStdout.MatchString(sql):
		_, _ = r.owner.CopyTo(ctx, io.Discard, sql)
	case item.Meta == "gset" || item.Meta == "gexec":
		r.runMeta(ctx, s, item)
	default:
		_, _ = r.owner.Exec(ctx, sql).ReadAll()
	}
	if r.owner.IsClosed() {
		fmt.Fprintf(r.Progress, "the owner's session has ended at: %.200s\n", sql)
		return r.connectOwner(context.WithoutCancel(ctx))
	}
	return nil
}

func (r *Regression) runMeta(ctx context.Context, s *script, item scriptItem) {
	results, err := r.owner.Exec(ctx, item.SQL).ReadAll()
	if err != nil || len(results) == 0 {
		return
	}
	last := results[len(results)-1]
	for _, row := range last.Rows {
		for i, value := range row {
			if item.Meta == "gset" {
				s.vars[item.Argument+last.FieldDescriptions[i].Name] = string(value)
			} else if value != nil {
				_, _ = r.owner.Exec(ctx, string(value)).ReadAll()
			}
		}
	}
}
