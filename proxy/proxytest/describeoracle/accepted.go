package describeoracle

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Accepted is a line of testdata/accepted.tsv: a difference that may be, and why.
type Accepted struct {
	Text     string
	Variants []Variant // nil: all
	Versions []int     // nil: all
	Reason   string
}

var escapeText = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
var unescapeText = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r")

// AcceptedDifferences reads testdata/accepted.tsv: the statement as it is in the corpus (\\, \n, \t and \r escaped), the variants
// (V0,V1 or *), the major versions (15,17 or *), the reason.
func AcceptedDifferences() ([]Accepted, error) { return readAccepted("testdata/accepted.tsv") }

// AcceptedOfRegression is the same for the statements of the regression suite.
func AcceptedOfRegression() ([]Accepted, error) { return readAccepted("testdata/accepted_regress.tsv") }

func readAccepted(name string) ([]Accepted, error) {
	text, err := testdata.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("describeoracle: %w", err)
	}
	return parseAccepted(string(text))
}

func parseAccepted(text string) ([]Accepted, error) {
	var list []Accepted
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) != 4 || columns[3] == "" {
			return nil, fmt.Errorf("describeoracle: an accepted difference, line %d: not statement, variants, versions and reason", i+1)
		}
		a := Accepted{Text: unescapeText.Replace(columns[0]), Reason: columns[3]}
		if columns[1] != "*" {
			for _, name := range strings.Split(columns[1], ",") {
				n, err := strconv.Atoi(strings.TrimPrefix(name, "V"))
				if err != nil || n < 0 || n >= int(variants) {
					return nil, fmt.Errorf("describeoracle: an accepted difference, line %d: no variant %q", i+1, name)
				}
				a.Variants = append(a.Variants, Variant(n))
			}
		}
		if columns[2] != "*" {
			for _, name := range strings.Split(columns[2], ",") {
				n, err := strconv.Atoi(name)
				if err != nil {
					return nil, fmt.Errorf("describeoracle: an accepted difference, line %d: no version %q", i+1, name)
				}
				a.Versions = append(a.Versions, n)
			}
		}
		list = append(list, a)
	}
	return list, nil
}

// covers reports whether a is about that question on that version.
func (a *Accepted) covers(q *Question, version int) bool {
	return a.Text == q.Statement.Text && (a.Variants == nil || slices.Contains(a.Variants, q.Variant)) &&
		(a.Versions == nil || slices.Contains(a.Versions, version))
}
