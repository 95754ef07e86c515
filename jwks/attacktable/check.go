package attacktable

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Report is what Check found in a repository.
type Report struct {
	Tables   []string // table files, relative to the root
	Tested   []Entry
	Untested []Entry  // with their reason
	Missing  []Entry  // neither a test nor a reason
	Stray    []string // ids that a test has and no table
	Faults   []string // tables that do not parse, ids in two tables
}

// OK reports whether every entry has a test or a reason, and every test an entry.
func (r *Report) OK() bool {
	return len(r.Missing)+len(r.Stray)+len(r.Faults) == 0 && len(r.Tables) > 0
}

// Check reads all table files (testdata/attacks-*.tsv) and all tests below root. An entry has a test if its id is a key of a Tests
// literal or an argument of Covers in a file *_test.go.
func Check(root string) (*Report, error) {
	r := new(Report)
	var entries []Entry
	tests := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return filepath.SkipDir
		case d.IsDir():
		case filepath.Base(filepath.Dir(path)) == "testdata" && match("attacks-*.tsv", d.Name()):
			return r.table(root, path, &entries)
		case strings.HasSuffix(d.Name(), "_test.go") && !strings.Contains(filepath.ToSlash(path), "/testdata/"):
			return scan(path, tests)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	for _, e := range entries {
		if seen[e.ID] {
			r.Faults = append(r.Faults, e.ID+" stands in two tables")
		}
		seen[e.ID] = true
		switch {
		case tests[e.ID] && e.Untested != "":
			r.Faults = append(r.Faults, fmt.Sprintf("%s has a test, although its table says that it needs %s", e.ID, e.Untested))
		case tests[e.ID]:
			r.Tested = append(r.Tested, e)
		case e.Untested != "":
			r.Untested = append(r.Untested, e)
		default:
			r.Missing = append(r.Missing, e)
		}
	}
	for id := range tests {
		if !seen[id] {
			r.Stray = append(r.Stray, id)
		}
	}
	slices.Sort(r.Stray)
	return r, nil
}

func match(pattern, name string) bool {
	ok, err := filepath.Match(pattern, name)
	return ok && err == nil
}

func (r *Report) table(root, path string, entries *[]Entry) error {
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	r.Tables = append(r.Tables, relative)
	read, err := Load(path)
	if err != nil {
		r.Faults = append(r.Faults, err.Error())
		return nil
	}
	*entries = append(*entries, read...)
	return nil
}

// scan adds the ids that one test file covers.
func scan(path string, ids map[string]bool) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.CompositeLit:
			if !named(n.Type, "Tests") {
				return true
			}
			for _, element := range n.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					add(ids, pair.Key)
				}
			}
		case *ast.CallExpr:
			if named(n.Fun, "Covers") && len(n.Args) == 3 {
				add(ids, n.Args[2])
			}
		}
		return true
	})
	return nil
}

// named reports whether an expression is attacktable.name.
func named(expr ast.Expr, name string) bool {
	selector, ok := expr.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	pkg, ok := selector.X.(*ast.Ident)
	return ok && pkg.Name == "attacktable"
}

func add(ids map[string]bool, expr ast.Expr) {
	literal, ok := expr.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return
	}
	if id, err := strconv.Unquote(literal.Value); err == nil {
		ids[id] = true
	}
}
