package proxytest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	extendedSessions = 20
	extendedSteps    = 12
)

// TestExtendedSessions plays generated sessions of the extended protocol to both sides: always the same few, or as many new ones
// as PROXYTEST_SESSIONS says. PROXYTEST_SEED repeats one.
func TestExtendedSessions(t *testing.T) {
	s := startStack(t)
	sessions, first := extendedSessions, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("PROXYTEST_SESSIONS")); err == nil {
		sessions, first = n, rand.Uint64()
	}
	if n, err := strconv.ParseUint(os.Getenv("PROXYTEST_SEED"), 10, 64); err == nil {
		sessions, first = 1, n
	}
	steps, compared, parted := 0, 0, map[string]int{}
	for i := range sessions {
		seed := first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := newExtendedSession(rand.New(rand.NewPCG(seed, 2)))
			text := g.script(extendedSteps)
			postgres, proxy := s.extendedSides(t, text)
			oids := oidPairs{}
			if len(proxy) != len(postgres) {
				t.Errorf("%d steps of Postgres, %d of the proxy", len(postgres), len(proxy))
			}
			steps += len(postgres)
			for n := range min(len(postgres), len(proxy)) {
				rule, same := sameExtended(postgres[n].Lines, proxy[n].Lines, oids)
				if !same {
					t.Errorf("step %s:\n%s\nPostgres:\n%s\nproxy:\n%s", postgres[n].Title, sectionOf(text, postgres[n].Title), indent(postgres[n].Lines), indent(proxy[n].Lines))
					return // from here on the sessions are not in the same state
				}
				if rule != "" {
					parted[rule]++
					return
				}
				compared++
			}
		})
	}
	if sessions > 1 && compared < steps/2 {
		t.Errorf("only %d of %d steps were compared", compared, steps)
	}
	t.Logf("%d of %d steps compared, first seed %d; sessions that part: %v", compared, steps, first, parted)
}

// extendedSides plays a session to Postgres and through the proxy.
func (s *stack) extendedSides(t *testing.T, text string) (postgres, proxy []Result) {
	t.Helper()
	play := func(config *pgconn.Config, target Target) []Result {
		t.Helper()
		results, err := playExtended(t.Context(), config, target, text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return results
	}
	other := s.admin
	target := s.target(t, "alice")
	if directOnBothSides {
		other, target = s.oracle.config, s.oracle.Target("alice")
	}
	return play(s.oracle.config, s.oracle.Target("alice")), play(other, target)
}

const extendedAdmin = freshSchema + `GRANT CREATE ON DATABASE %s TO authenticated;
CREATE TABLE w.secret (a int); REVOKE ALL ON w.secret FROM authenticated`

var oidName = regexp.MustCompile(`@([a-z]+)`)

// playExtended plays a session whose first step makes the types that the names of OIDs in the others stand for.
func playExtended(ctx context.Context, config *pgconn.Config, target Target, text string) ([]Result, error) {
	if err := execute(ctx, config, fmt.Sprintf(extendedAdmin, pgx.Identifier{config.Database}.Sanitize())); err != nil {
		return nil, err
	}
	known := map[string]string{}
	numbered := func(text string) string {
		return oidName.ReplaceAllStringFunc(text, func(name string) string {
			if oid, ok := known[name[1:]]; ok {
				return oid
			}
			return "0"
		})
	}
	script, err := ParseScript(numbered(text))
	if err != nil {
		return nil, err
	}
	c, err := target.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.nc.Close()
	if err := target.login(c, script); err != nil {
		return nil, err
	}
	c.transcript.take()
	var results []Result
	for i := range script.Steps {
		if i == 1 {
			if known, err = typesOf(ctx, config); err != nil {
				return nil, err
			}
			if script, err = ParseScript(numbered(text)); err != nil {
				return nil, err
			}
		}
		err := target.step(ctx, c, script.Steps[i])
		for strings.HasSuffix(script.Steps[i].Title, queryInPipeline) && err == nil && !hasPrefix(c.transcript.lines, endOfStep) {
			err = c.await('Z')
		}
		results = append(results, Result{Title: script.Steps[i].Title, Lines: c.transcript.take()})
		if errors.Is(err, errEnded) {
			return results, nil
		}
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

func hasPrefix(lines []string, prefix string) bool {
	return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, prefix) })
}

// typesOf are the OIDs of the types in schema w.
func typesOf(ctx context.Context, config *pgconn.Config) (map[string]string, error) {
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("proxytest: %w", err)
	}
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, "SELECT typname, oid FROM pg_catalog.pg_type WHERE typnamespace = 'w'::pg_catalog.regnamespace").ReadAll()
	if err != nil {
		return nil, fmt.Errorf("proxytest: %w", err)
	}
	types := map[string]string{}
	for _, row := range results[0].Rows {
		types[string(row[0])] = string(row[1])
	}
	return types, nil
}

// notSupported is an answer of the proxy's own to what it does not do: nothing of the step has been done then.
var notSupported = regexp.MustCompile(`^ErrorResponse ERROR 0A000 "(.*) (is|are) not supported by pgturnstile"`)

// sameExtended compares the transcripts of one step. A rule names the difference behind which the sessions are not in the
// same state any more, in an accepted way; "" if they are.
func sameExtended(postgres, proxy []string, oids oidPairs) (rule string, same bool) {
	postgres = withoutNotices(postgres)
	if directOnBothSides {
		proxy = withoutNotices(proxy)
	}
	p, q := errorIn(postgres), errorIn(proxy)
	if q < len(proxy) {
		if m := notSupported.FindStringSubmatch(proxy[q]); m != nil {
			return m[1], true
		}
		// A portal's or statement's columns cannot be told to a role that may not read them: Describe says so, where Postgres would
		// at Bind.
		if strings.HasPrefix(proxy[q], "ErrorResponse ERROR 42501") && (p == len(postgres) || postgres[p] != proxy[q]) && oids.startsWith(postgres, proxy[:q]) {
			return "42501 at Describe", true
		}
		// A write that was answered at Flush is committed, and the error says so.
		if strings.Contains(proxy[q], `detail "A statement of this pipeline that was answered at Flush has been committed."`) {
			return "an error behind a write that was answered at Flush", true
		}
	}
	if p < len(postgres) && q < len(proxy) && q < p {
		// Upstream answers a batch that fails with the error alone: what Postgres says before it does not come from there on.
		return "", oids.startsWith(postgres[:p], proxy[:q]) && oids.equal(postgres[p:], proxy[q:])
	}
	return "", oids.equal(postgres, proxy)
}

// errorIn is the index of the first error, or the number of lines.
func errorIn(lines []string) int {
	for i, l := range lines {
		if strings.HasPrefix(l, "ErrorResponse") {
			return i
		}
	}
	return len(lines)
}

// withoutNotices drops what upstream does not have.
func withoutNotices(lines []string) []string {
	var kept []string
	for _, l := range lines {
		if !strings.HasPrefix(l, "NoticeResponse NOTICE") {
			kept = append(kept, l)
		}
	}
	return kept
}

// oidPairs are OIDs of the proxy's by those that Postgres shows in their places: objects are made on both sides in the same
// order, but where an answer is missing they are not seen in the same order.
type oidPairs map[string]string

var numberedOID = regexp.MustCompile(`#\d+`)

func (o oidPairs) equal(postgres, proxy []string) bool {
	return len(postgres) == len(proxy) && o.startsWith(postgres, proxy)
}

// startsWith reports whether Postgres' lines start with the proxy's.
func (o oidPairs) startsWith(postgres, proxy []string) bool {
	if len(postgres) < len(proxy) {
		return false
	}
	for i, l := range proxy {
		if !o.line(postgres[i], l) {
			return false
		}
	}
	return true
}

func (o oidPairs) line(postgres, proxy string) bool {
	if !strings.HasPrefix(postgres, "RowDescription") && !strings.HasPrefix(postgres, "ParameterDescription") {
		return postgres == proxy
	}
	if numberedOID.ReplaceAllString(postgres, "#") != numberedOID.ReplaceAllString(proxy, "#") {
		return false
	}
	theirs, ours := numberedOID.FindAllString(postgres, -1), numberedOID.FindAllString(proxy, -1)
	for i := range theirs {
		if known, ok := o[theirs[i]]; ok && known != ours[i] {
			return false
		}
		o[theirs[i]] = ours[i]
	}
	return true
}
