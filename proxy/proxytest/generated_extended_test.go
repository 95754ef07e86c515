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
			sides := s.extendedSides(t, g.script(extendedSteps))
			rule, n := sides.play(t, sessions == 1)
			compared += n
			steps += len(sides[0].script.Steps)
			if rule != "" {
				parted[rule]++
			}
		})
	}
	if sessions > 1 && compared < steps/2 {
		t.Errorf("only %d of %d steps were compared", compared, steps)
	}
	t.Logf("%d of %d steps compared, first seed %d; sessions that part: %v", compared, steps, first, parted)
}

// extendedSide is a session with one of the two servers.
type extendedSide struct {
	name   string
	target Target
	script *Script
	text   string
	c      *connection
}

// extendedSides are Postgres and the proxy, with the same script.
type extendedSides [2]*extendedSide

func (s *stack) extendedSides(t *testing.T, text string) extendedSides {
	t.Helper()
	side := func(name string, config *pgconn.Config, target Target) *extendedSide {
		t.Helper()
		e, err := newExtendedSide(t.Context(), name, config, target, text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		t.Cleanup(func() { e.c.nc.Close() })
		return e
	}
	direct := s.oracle.Target("alice")
	if directOnBothSides {
		other, err := NewOracle(t.Context(), s.AdminDSN(), "direct2")
		if err != nil {
			t.Fatal(err)
		}
		return extendedSides{side("Postgres", s.oracle.config, direct), side("Postgres", other.config, other.Target("alice"))}
	}
	return extendedSides{side("Postgres", s.oracle.config, direct), side("proxy", s.admin, s.target(t, "alice"))}
}

// play plays the script to both sides, step by step, and returns how many steps were the same; rule is the difference at which the
// session ended, if it is an accepted one.
func (e extendedSides) play(t *testing.T, verbose bool) (rule string, same int) {
	t.Helper()
	oids := oidPairs{}
	var before string
	for n := range e[0].script.Steps {
		title := e[0].script.Steps[n].Title
		postgres, proxy := e[0].step(t, n), e[1].step(t, n)
		said := fmt.Sprintf("step %s:\n%s\nPostgres:\n%s\nproxy:\n%s", title, sectionOf(e[0].text, title), indent(postgres), indent(proxy))
		if verbose {
			t.Log(said)
		}
		rule, cut, ok := sameCycles(postgres, proxy, oids)
		if !ok {
			t.Errorf("behind %s\n%s", before, said)
			return "", same // from here on the sessions are not in the same state
		}
		if rule != "" {
			return rule, same
		}
		if cut {
			// What was not answered may have been done or not: a statement that was parsed between two executions is there or not.
			for _, side := range e {
				side.send(t, forgetNames)
			}
		}
		same, before = same+1, said
	}
	return "", same
}

const extendedAdmin = freshSchema + `GRANT CREATE ON DATABASE %s TO authenticated;
CREATE TABLE w.secret (a int); REVOKE ALL ON w.secret FROM authenticated`

var oidName = regexp.MustCompile(`@([a-z]+)`)

// newExtendedSide makes the session's schema and types, whose OIDs the script names.
func newExtendedSide(ctx context.Context, name string, config *pgconn.Config, target Target, text string) (*extendedSide, error) {
	if err := execute(ctx, config, fmt.Sprintf(extendedAdmin, pgx.Identifier{config.Database}.Sanitize())); err != nil {
		return nil, err
	}
	c, err := target.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := target.login(c, &Script{Major: 3}); err != nil {
		return nil, err
	}
	e := &extendedSide{name: name, target: target, c: c}
	schema, err := ParseScript(fmt.Sprintf("= schema\nQuery %q\nawait Z\n", strings.Join(schemaOfOwn, ";")))
	if err != nil {
		return nil, err
	}
	if err := target.step(ctx, c, schema.Steps[0]); err != nil {
		return nil, err
	}
	if lines := c.transcript.take(); errorIn(lines) < len(lines) {
		return nil, fmt.Errorf("the schema was not made: %s", strings.Join(lines, "\n"))
	}
	known, err := typesOf(ctx, config)
	if err != nil {
		return nil, err
	}
	e.text = oidName.ReplaceAllStringFunc(text, func(name string) string { return known[name[1:]] })
	e.script, err = ParseScript(e.text)
	return e, err
}

func (e *extendedSide) step(t *testing.T, n int) []string {
	t.Helper()
	step := e.script.Steps[n]
	err := e.target.step(t.Context(), e.c, step)
	for strings.HasSuffix(step.Title, queryInPipeline) && err == nil && !hasPrefix(e.c.transcript.lines, endOfStep) {
		err = e.c.await('Z')
	}
	if err != nil && !errors.Is(err, errEnded) {
		t.Fatalf("%s, step %s: %v", e.name, step.Title, err)
	}
	return e.c.transcript.take()
}

// forgetNames closes all statements that a session may have.
const forgetNames = `= names
Close S ""
Close S "a"
Close S "b"
Close S "c"
Close S "d"
Sync
await Z
`

func (e *extendedSide) send(t *testing.T, text string) {
	t.Helper()
	script, err := ParseScript(text)
	if err == nil {
		err = e.target.step(t.Context(), e.c, script.Steps[0])
	}
	if err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	e.c.transcript.take()
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

var (
	valueError     = regexp.MustCompile(`^ErrorResponse ERROR \w+ .* where "(unnamed portal|portal \\"\w+\\") parameter \$\d`)
	inUse          = regexp.MustCompile(`^ErrorResponse ERROR 55006 .* because it is being used by active queries in this session`)
	staleStatement = regexp.MustCompile(`^ErrorResponse ERROR (42P01|42703|42883|42704|42804|42846|0A000 "cached plan)`)
)

// refusedHere is what the sessions ask for now and then that is refused.
var refusedHere = map[string]bool{
	// A portal has its rows once, and a transaction ends with its cycle.
	"executing a portal a second time":                                        true,
	"a transaction block that stays open after its query":                     true,
	"a second Execute in a pipeline after a write that was answered at Flush": true,
	// A pipeline is run when its answers are due: what a statement in it means may hang on one that has not been run.
	"waiting for the description of a statement behind one, in the same pipeline, that may change it":         true,
	"using the name of a prepared statement behind PREPARE, DEALLOCATE or DISCARD of it in the same pipeline": true,
	"PREPARE behind a statement of the same query string that may change what it means":                       true,
	"EXECUTE behind a statement of the same query string that may change what it means":                       true,
	"EXECUTE with an argument that is no literal, behind other statements of its transaction":                 true,
	// The server reads EXECUTE's arguments, and literals, elsewhere and at another time.
	"EXECUTE of a prepared statement that is answered without the server":                                                   true,
	"EXECUTE with a parameter inside an expression":                                                                         true,
	"executing a statement with a literal like a date that was prepared under another DateStyle, IntervalStyle or TimeZone": true,
}

// sameCycles compares the transcripts of one step, from ReadyForQuery to ReadyForQuery.
func sameCycles(postgres, proxy []string, oids oidPairs) (rule string, cut, same bool) {
	for {
		p, q := endOfCycle(postgres), endOfCycle(proxy)
		rule, cutHere, ok := sameExtended(postgres[:p], proxy[:q], oids)
		cut = cut || cutHere
		postgres, proxy = postgres[p:], proxy[q:]
		if !ok || rule != "" || len(postgres) == 0 && len(proxy) == 0 {
			return rule, cut, ok
		}
	}
}

func endOfCycle(lines []string) int {
	for i, l := range lines {
		if strings.HasPrefix(l, "ReadyForQuery") {
			return i + 1
		}
	}
	return len(lines)
}

// sameExtended compares the transcripts of one cycle. A rule names the difference behind which the sessions are not in the
// same state any more, in an accepted way; "" if they are. cut: answers before an error are missing.
func sameExtended(postgres, proxy []string, oids oidPairs) (rule string, cut, same bool) {
	postgres = withoutNotices(postgres)
	if directOnBothSides {
		proxy = withoutNotices(proxy)
	}
	p, q := errorIn(postgres), errorIn(proxy)
	if p < len(postgres) && inUse.MatchString(postgres[p]) && q != p {
		// A portal that was run to its end keeps its table in use until Sync; here nothing is kept upstream.
		return "a table in use by a portal", false, true
	}
	if q < len(proxy) {
		if m := notSupported.FindStringSubmatch(proxy[q]); m != nil {
			return m[1], false, refusedHere[m[1]]
		}
		// A portal's or statement's columns cannot be told to a role that may not read them: Describe says so, where Postgres would
		// at Bind.
		if strings.HasPrefix(proxy[q], "ErrorResponse ERROR 42501") && (p == len(postgres) || postgres[p] != proxy[q]) && oids.startsWith(postgres, proxy[:q]) {
			return "42501 at Describe", false, true
		}
		// A statement that was executed without having been described is asked about when it is: behind a change of what it names that is
		// too late.
		if q == 0 && staleStatement.MatchString(proxy[0]) && strings.HasPrefix(postgres[0], "ParameterDescription") {
			return "a description behind a change", false, true
		}
		// A write that was answered at Flush is committed, and the error says so.
		if strings.Contains(proxy[q], `detail "A statement of this pipeline that was answered at Flush has been committed."`) {
			return "an error behind a write that was answered at Flush", false, true
		}
	}
	if p < len(postgres) && q < len(proxy) && valueError.MatchString(postgres[p]) && staleStatement.MatchString(proxy[q]) {
		// A statement that does not hold any more is executed with values that do not fit: the server reads it anew, and says that first.
		return "", true, oids.startsWith(postgres[:p], proxy[:q]) && oids.equal(postgres[p+1:], proxy[q+1:])
	}
	if p < len(postgres) && q < len(proxy) && q < p {
		// Upstream answers a batch that fails with the error alone: what Postgres says before it does not come from there on.
		return "", true, oids.startsWith(postgres[:p], proxy[:q]) && oids.equal(postgres[p:], proxy[q:])
	}
	return "", false, oids.equal(postgres, proxy)
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
