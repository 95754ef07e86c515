package describeoracle

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
)

// Report counts the cases of one server.
type Report struct {
	Release string
	Version int
	Cases   []Case
	Stale   []Accepted // lines of accepted.tsv about what was asked that nothing needs
}

// NewReport gives each difference its accepted reason.
func NewReport(release string, version int, cases []Case, accepted []Accepted) *Report {
	r := &Report{Release: release, Version: version, Cases: cases}
	used := make([]bool, len(accepted))
	asked := map[string]bool{}
	for i := range r.Cases {
		c := &r.Cases[i]
		asked[c.Statement.Text] = true
		for j := range accepted {
			if c.Difference != "" && accepted[j].covers(&c.Question, version) {
				c.Reason = accepted[j].Reason
				used[j] = true
			}
		}
	}
	for j, a := range accepted {
		if !used[j] && asked[a.Text] && (a.Versions == nil || slices.Contains(a.Versions, version)) {
			r.Stale = append(r.Stale, a)
		}
	}
	return r
}

// AcceptRefusals gives a reason to whatever the proxy does not take by what it is. The corpus' list names each; the regression suite
// has them by the thousand.
func (r *Report) AcceptRefusals() { r.acceptRefusals(func(*Case) bool { return true }) }

// AcceptRefusedFunctions is the same for generated statements alone.
func (r *Report) AcceptRefusedFunctions() {
	r.acceptRefusals(func(c *Case) bool { return c.Statement.Topic == generatedTopic })
}

func (r *Report) acceptRefusals(which func(*Case) bool) {
	for i := range r.Cases {
		c := &r.Cases[i]
		if which(c) && c.Difference != "" && c.Reason == "" && c.Proxy.Err != nil && c.Proxy.Err.Code == "0A000" &&
			strings.HasSuffix(c.Proxy.Err.Message, " is not supported by pgturnstile") {
			c.Reason = "refused by pgturnstile with 0A000"
		}
	}
}

// Statements is the number of statements asked about.
func (r *Report) Statements() int {
	n := 0
	for _, c := range r.Cases {
		if c.Variant == AsWritten {
			n++
		}
	}
	return n
}

// Unexplained are the cases that differ and are not accepted.
func (r *Report) Unexplained() []Case {
	var list []Case
	for _, c := range r.Cases {
		if c.Difference != "" && c.Reason == "" {
			list = append(list, c)
		}
	}
	return list
}

// count is good of total, in one place of the table.
type count struct{ good, total int }

func (n count) String() string {
	if n.total == 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d", n.good, n.total)
}

type row [variants]count

func (n *row) add(c *Case) {
	n[c.Variant].total++
	if c.Difference == "" {
		n[c.Variant].good++
	}
}

// Table writes, per kind of statement, how many answers are the same in each variant.
func (r *Report) Table(w io.Writer) {
	rows := map[string]*row{}
	var all row
	for i := range r.Cases {
		c := &r.Cases[i]
		if rows[c.Kind] == nil {
			rows[c.Kind] = new(row)
		}
		rows[c.Kind].add(c)
		all.add(c)
	}
	kinds := make([]string, 0, len(rows))
	for kind := range rows {
		kinds = append(kinds, kind)
	}
	sort.Strings(kinds)
	fmt.Fprintf(w, "| PostgreSQL %s | V0 as written | V1 `$n` | V2 declared same | V3 declared other |\n|---|---|---|---|---|\n", r.Release)
	line := func(kind string, n *row) {
		fmt.Fprintf(w, "| %s | %v | %v | %v | %v |\n", kind, n[0], n[1], n[2], n[3])
	}
	for _, kind := range kinds {
		line(kind, rows[kind])
	}
	line("**all**", &all)
}

// WriteDifferences writes each difference that is not accepted in the form of accepted.tsv, with the difference for a reason.
func (r *Report) WriteDifferences(w io.Writer) {
	for _, c := range r.Unexplained() {
		fmt.Fprintf(w, "%s\t%v\t%d\t%s\n", escapeText.Replace(c.Statement.Text), c.Variant, r.Version, escapeText.Replace(c.Difference))
	}
}

// Print writes the table, what is accepted by its reasons, and each difference that is not.
func (r *Report) Print(w io.Writer) {
	r.Table(w)
	reasons := map[string]int{}
	for _, c := range r.Cases {
		if c.Reason != "" {
			reasons[c.Reason]++
		}
	}
	fmt.Fprintf(w, "\n%d statements, %d cases.\n", r.Statements(), len(r.Cases))
	names := make([]string, 0, len(reasons))
	for reason := range reasons {
		names = append(names, reason)
	}
	sort.Strings(names)
	for _, reason := range names {
		fmt.Fprintf(w, "Accepted: %d: %s\n", reasons[reason], reason)
	}
	unexplained := r.Unexplained()
	fmt.Fprintf(w, "Not identical and not accepted: %d\n", len(unexplained))
	for _, c := range unexplained {
		fmt.Fprintf(w, "\n%s:%d %v (%s)\n    %s\n", c.Statement.Topic, c.Statement.Line, c.Variant, c.Kind, strings.ReplaceAll(c.Text, "\n", "\n    "))
		if c.Declared != nil {
			fmt.Fprintf(w, "    declared %v\n", c.Declared)
		}
		fmt.Fprintf(w, "  %s\n", c.Difference)
	}
	for _, a := range r.Stale {
		fmt.Fprintf(w, "accepted.tsv: nothing differs any more: %s\n", escapeText.Replace(a.Text))
	}
}
