package proxytest

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// traceSchema is what the recorded clients asked for, beside the catalogs.
const traceSchema = freshSchema + `
DROP TABLE IF EXISTS public.t;
CREATE TABLE public.t (id int PRIMARY KEY, name text, v numeric(10,2), ts timestamptz, b bytea, j jsonb, a int[], u uuid, d date, f float8, bo bool);
GRANT ALL ON public.t TO authenticated;`

// TestConnectSequences replays what clients sent when they connected (testdata/traces, recorded before a real server; the user, the
// database and the password are ours). Everything that comes back must be the same on both sides but for what is no
// server's to promise: the order of rows that no ORDER BY gives one, and OIDs of objects that the test has just made.
func TestConnectSequences(t *testing.T) {
	s := startStack(t)
	s.fresh(t, traceSchema)
	defer s.fresh(t, "DROP TABLE public.t")
	paths, err := filepath.Glob("testdata/traces/*.jsonl")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d traces, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".jsonl"), func(t *testing.T) {
			scripts, err := readTrace(path)
			if err != nil {
				t.Fatal(err)
			}
			accepted, err := ReadAccepted(strings.TrimSuffix(path, ".jsonl") + ".accepted")
			if err != nil {
				t.Fatal(err)
			}
			if directOnBothSides {
				accepted = nil
			}
			for n, script := range scripts {
				postgres, proxy := s.sides(t, script)
				for _, fault := range Compare(unordered(postgres), unordered(proxy), accepted) {
					t.Errorf("connection %d: %s", n+1, fault)
				}
			}
		})
	}
}

var freshOID = regexp.MustCompile(`"[0-9]{5,10}"`)

// unordered sorts the rows of each result, and makes OIDs in them that are not the server's own all the same.
func unordered(results []Result) []Result {
	for _, r := range results {
		for i := 0; i < len(r.Lines); {
			n := i
			for ; n < len(r.Lines) && strings.HasPrefix(r.Lines[n], "DataRow"); n++ {
				r.Lines[n] = freshOID.ReplaceAllStringFunc(r.Lines[n], func(v string) string {
					if oid, err := strconv.Atoi(strings.Trim(v, `"`)); err != nil || oid < firstFreshOID {
						return v
					}
					return `"#"`
				})
			}
			slices.Sort(r.Lines[i:n])
			i = n + 1
		}
	}
	return results
}

// readTrace makes a script of each connection in a trace. What the client sent until it read an answer is one step, which ends where
// the recorded answer did.
func readTrace(path string) ([]*Script, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var connections []*traceReader
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line struct{ F, B string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if startup, ok := strings.CutPrefix(line.F, "Startup proto=3.0 {"); ok {
			connections = append(connections, &traceReader{script: &Script{Major: 3, Login: true}})
			err = connections[len(connections)-1].startup(strings.TrimSuffix(startup, "}"))
		} else if reader := connections[len(connections)-1]; line.F != "" {
			err = reader.sent(line.F)
		} else {
			err = reader.received(line.B)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, lines.Text(), err)
		}
	}
	var scripts []*Script
	for _, c := range connections {
		scripts = append(scripts, c.script)
	}
	return scripts, nil
}

// traceReader makes the script of one connection.
type traceReader struct {
	script *Script
	step   Step // not ended yet
}

func (r *traceReader) startup(parameters string) error {
	for _, p := range strings.Split(parameters, "; ") {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return fmt.Errorf("%q is no parameter", p)
		}
		if name != "user" && name != "database" { // ours
			r.script.Startup = append(r.script.Startup, Parameter{name, value})
		}
	}
	return nil
}

func (r *traceReader) sent(text string) error {
	msg, err := traceMessage(text)
	if err != nil {
		return err
	}
	b, err := msg.Encode(nil)
	if err != nil {
		return err
	}
	if r.step.Title == "" {
		r.step.Title = fmt.Sprintf("%d %.60s", len(r.script.Steps)+1, text)
	}
	r.step.Actions = append(r.step.Actions, Action{Send: b})
	return nil
}

// received ends a step: at ReadyForQuery, or at the last message of what a Flush brought.
func (r *traceReader) received(types string) error {
	if strings.Contains(types, "Auth(0)") {
		return nil // the login's own answer
	}
	last := types[strings.LastIndexByte(types, ' ')+1:]
	letter, ok := map[string]byte{"Ready": 'Z', "RowDesc": 'T', "NoData": 'n', "ParseOK": '1'}[last[:strings.IndexAny(last+"(", "([")]]
	if !ok || len(r.step.Actions) == 0 {
		return fmt.Errorf("no step can end with %q", last)
	}
	r.step.Actions = append(r.step.Actions, Action{Await: letter})
	r.script.Steps = append(r.script.Steps, r.step)
	r.step = Step{}
	return nil
}

// The forms of a trace's messages. A parameter is 'text', NULL, or x and the bytes in hexadecimal.
var (
	traceParse = regexp.MustCompile(`^name="([^"]*)" oids=\[([0-9 ]*)\] ?(.*)$`)
	traceBind  = regexp.MustCompile(`^portal="([^"]*)" stmt="([^"]*)" pfmt=\[([01 ]*)\] params=\[(.*)\] rfmt=\[([01 ]*)\]$`)
	traceRun   = regexp.MustCompile(`^portal="([^"]*)" max=([0-9]+)$`)
	traceName  = regexp.MustCompile(`^([SP]) "([^"]*)"$`)
)

func traceMessage(text string) (pgproto3.FrontendMessage, error) {
	verb, rest, _ := strings.Cut(text, " ")
	switch verb {
	case "Query":
		return &pgproto3.Query{String: rest}, nil
	case "Sync":
		return &pgproto3.Sync{}, nil
	case "Flush":
		return &pgproto3.Flush{}, nil
	case "Parse":
		if m := traceParse.FindStringSubmatch(rest); m != nil {
			oids, err := traceNumbers[uint32](m[2])
			return &pgproto3.Parse{Name: m[1], ParameterOIDs: oids, Query: m[3]}, err
		}
	case "Describe":
		if m := traceName.FindStringSubmatch(rest); m != nil {
			return &pgproto3.Describe{ObjectType: m[1][0], Name: m[2]}, nil
		}
	case "Close":
		if m := traceName.FindStringSubmatch(rest); m != nil {
			return &pgproto3.Close{ObjectType: m[1][0], Name: m[2]}, nil
		}
	case "Execute":
		if m := traceRun.FindStringSubmatch(rest); m != nil {
			n, err := strconv.ParseUint(m[2], 10, 32)
			return &pgproto3.Execute{Portal: m[1], MaxRows: uint32(n)}, err
		}
	case "Bind":
		if m := traceBind.FindStringSubmatch(rest); m != nil {
			return traceBinding(m)
		}
	}
	return nil, fmt.Errorf("%q is no message of a trace", text)
}

func traceBinding(m []string) (pgproto3.FrontendMessage, error) {
	formats, err := traceNumbers[int16](m[3])
	if err != nil {
		return nil, err
	}
	results, err := traceNumbers[int16](m[5])
	if err != nil {
		return nil, err
	}
	b := &pgproto3.Bind{DestinationPortal: m[1], PreparedStatement: m[2], ParameterFormatCodes: formats, ResultFormatCodes: results}
	for _, p := range strings.Split(m[4], ", ") {
		switch {
		case p == "":
		case p == "NULL":
			b.Parameters = append(b.Parameters, nil)
		case p[0] == 'x':
			v, err := hex.DecodeString(p[1:])
			if err != nil {
				return nil, err
			}
			b.Parameters = append(b.Parameters, v)
		default:
			b.Parameters = append(b.Parameters, []byte(strings.Trim(p, "'")))
		}
	}
	return b, nil
}

func traceNumbers[T uint32 | int16](list string) ([]T, error) {
	var all []T
	for _, f := range strings.Fields(list) {
		n, err := strconv.ParseUint(f, 10, 32)
		if err != nil {
			return nil, err
		}
		all = append(all, T(n))
	}
	return all, nil
}
