package proxytest

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// generalDifferences are those that were reviewed for generated sessions, in which no step is known before.
type generalDifferences struct {
	dropped []*regexp.Regexp // lines of Postgres' that the proxy does not send
	failed  []*regexp.Regexp // the same in a step that ends in a failed block; the one that ends the block differs then
	ends    []*regexp.Regexp // lines of the proxy's, from which on the sessions are not in the same state
}

// readGeneralDifferences reads a file of rules. Each is a line with its reason above it:
//
//	# the reason, in one or more lines
//	postgres REGEXP     a line that Postgres alone sends
//	failed REGEXP       the same in a step that leaves a failed block; how the block is ended is not compared then
//	proxy REGEXP        an answer of the proxy's own, behind which nothing more of the session can be compared
func readGeneralDifferences(path string) (*generalDifferences, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := &generalDifferences{}
	reason := false
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			reason = false
			continue
		}
		if line[0] == '#' {
			reason = true
			continue
		}
		side, pattern, _ := strings.Cut(line, " ")
		re, err := regexp.Compile("^" + pattern)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		case !reason:
			return nil, fmt.Errorf("%s:%d: a rule without its reason", path, i+1)
		case side == "postgres":
			d.dropped = append(d.dropped, re)
		case side == "failed":
			d.failed = append(d.failed, re)
		case side == "proxy":
			d.ends = append(d.ends, re)
		default:
			return nil, fmt.Errorf("%s:%d: %q is no rule", path, i+1, line)
		}
	}
	return d, nil
}

// rest is what the proxy should say where Postgres says lines. If unsure, how the failed block is ended is another matter.
func (d *generalDifferences) rest(lines []string) (rest []string, unsure bool) {
	drop := func(all []*regexp.Regexp) bool {
		n := len(rest)
		rest = slices.DeleteFunc(rest, func(l string) bool { return matchesAny(all, l) })
		return len(rest) < n
	}
	rest = slices.Clone(lines)
	drop(d.dropped)
	if len(lines) > 0 && lines[len(lines)-1] == "ReadyForQuery E" {
		unsure = drop(d.failed)
	}
	return rest, unsure
}

// stops reports whether the sessions part here.
func (d *generalDifferences) stops(proxy []string) bool {
	return slices.ContainsFunc(proxy, func(l string) bool { return matchesAny(d.ends, l) })
}

func matchesAny(all []*regexp.Regexp, line string) bool {
	return slices.ContainsFunc(all, func(re *regexp.Regexp) bool { return re.MatchString(line) })
}

func TestGeneralDifferences(t *testing.T) {
	path := t.TempDir() + "/x.differences"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# no notices\npostgres NoticeResponse NOTICE\n\n# refused\nproxy .*0A000\n# not known\nfailed ParameterStatus\n")
	d, err := readGeneralDifferences(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		lines, want []string
		unsure      bool
	}{
		{[]string{"a", "NoticeResponse NOTICE x", "NoticeResponse WARNING y"}, []string{"a", "NoticeResponse WARNING y"}, false},
		{[]string{"ParameterStatus x", "ReadyForQuery I"}, []string{"ParameterStatus x", "ReadyForQuery I"}, false},
		{[]string{"ParameterStatus x", "ReadyForQuery E"}, []string{"ReadyForQuery E"}, true},
		{nil, nil, false},
	} {
		if got, unsure := d.rest(c.lines); !slices.Equal(got, c.want) || unsure != c.unsure {
			t.Errorf("%q: %q %v, want %q %v", c.lines, got, unsure, c.want, c.unsure)
		}
	}
	if !d.stops([]string{"a", "ErrorResponse ERROR 0A000"}) || d.stops([]string{"a"}) {
		t.Error("the sessions part where no rule says so, or not where one does")
	}
	for text, want := range map[string]string{
		"postgres x":        "1: a rule without its reason",
		"# a\n\nproxy x":    "3: a rule without its reason",
		"# a\nboth x":       "2: \"both x\" is no rule",
		"# a\npostgres (((": "2: error parsing regexp",
	} {
		write(text)
		if _, err := readGeneralDifferences(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
