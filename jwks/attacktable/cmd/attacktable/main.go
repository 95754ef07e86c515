// Command attacktable reads the attack tables and the tests below a folder (default ".") and prints the entries without a test. Those
// that wait for something else are printed apart, with what they wait for. It exits 1 if an entry has neither a test nor a reason.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
)

func main() {
	flag.Parse()
	root := "."
	if flag.NArg() > 0 {
		root = flag.Arg(0)
	}
	report, err := attacktable.Check(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "attacktable:", err)
		os.Exit(1)
	}
	print(os.Stdout, report)
	if !report.OK() {
		os.Exit(1)
	}
}

func print(w io.Writer, r *attacktable.Report) {
	for _, e := range r.Untested {
		fmt.Fprintf(w, "needs %s: %s  %s\n", e.Untested, e.ID, e.Description)
	}
	for _, e := range r.Missing {
		fmt.Fprintf(w, "NO TEST: %s  %s\n", e.ID, e.Description)
	}
	for _, id := range r.Stray {
		fmt.Fprintf(w, "NO ENTRY: %s is tested and stands in no table\n", id)
	}
	for _, fault := range r.Faults {
		fmt.Fprintln(w, "FAULT:", fault)
	}
	if len(r.Tables) == 0 {
		fmt.Fprintln(w, "FAULT: no table files found")
	}
	fmt.Fprintf(w, "%d attacks in %d tables: %d tested, %d waiting for something else, %d without a test\n",
		len(r.Tested)+len(r.Untested)+len(r.Missing), len(r.Tables), len(r.Tested), len(r.Untested), len(r.Missing))
}
