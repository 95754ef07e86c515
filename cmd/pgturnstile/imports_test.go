package main

import (
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/pgturnstile/pgturnstile/"

// layers hold the packages that stand on each other, the highest first: each may import those of lower layers, and values.
var layers = [][]string{
	{"cmd/pgturnstile", "proxy/devstack/cmd/bench", "proxy/proxytest/describeoracle/cmd/describeoracle"},
	{"proxy/proxytest", "proxy/proxytest/describeoracle"},
	{"proxy/proxytest/regress"},
	{"proxy/devstack"},
	{"proxy/assembly"},
	{"proxy"},
	{"proxy/session"},
	{"proxy/txn", "proxy/pgcopy", "proxy/describe"},
	{"proxy/cursor", "proxy/guc", "proxy/catalog"},
	{"proxy/plan", "proxy/splice"},
	{"proxy/sqlscan"},
}

// values may be imported by every package of a layer, except that sqlscan stands alone.
var values = []string{"proxy/upstream", "proxy/pgerr", "proxy/wire", "proxy/pgformat", "proxy/encoding"}

// beside are the packages that stand in no layer, with all that each may import.
var beside = map[string][]string{
	"config":                           {},
	"jwks":                             {"jwks/strictjson"},
	"jwks/strictjson":                  {},
	"jwks/cognito":                     {"jwks", "jwks/strictjson"},
	"jwks/jwkstest":                    {},
	"jwks/attacktable":                 {"jwks", "jwks/cognito", "jwks/jwkstest", "jwks/strictjson"},
	"jwks/attacktable/cmd/attacktable": {"jwks/attacktable"},
	"proxy/upstream":                   {"proxy/pgerr"},
	"proxy/pgerr":                      {},
	"proxy/wire":                       {"proxy/encoding", "proxy/pgerr"},
	"proxy/pgformat":                   {"proxy/pgerr"},
	"proxy/encoding":                   {"proxy/pgerr"},
	"proxy/admin":                      {},
	"proxy/neon":                       {"proxy/neon/reply", "proxy/upstream", "proxy/pgerr"},
	"proxy/neon/reply":                 {"proxy/upstream", "proxy/pgerr"},
	"proxy/neon/neontest":              {"proxy/neon/neontest/rustjson"},
	"proxy/neon/neontest/rustjson":     {},
	"proxy/devstack/postgres":          {},
}

// extra are single imports beyond the layers' rule, each with its reason in the architecture: the proxy knows the verifier's claims.
var extra = map[string][]string{
	"proxy": {"jwks/cognito"},
}

// httpUsers may import net/http: nobody above proxy/neon knows HTTP, but for the operators' listener, the issuer's side, and what
// assembles or imitates.
var httpUsers = []string{"cmd/pgturnstile", "jwks", "jwks/jwkstest", "proxy/admin", "proxy/neon", "proxy/neon/neontest", "proxy/devstack", "proxy/devstack/cmd/bench", "proxy/proxytest"}

// goPackage is what the test looks at: a folder's files that are no tests.
type goPackage struct {
	imports []string // of this module, and net/http; sorted, each once
	files   []string
}

func TestImportsPointDownward(t *testing.T) {
	packages := readPackages(t, filepath.Join("..", ".."))
	if len(packages) < 10 {
		t.Fatalf("only %d packages found", len(packages))
	}
	for name, p := range packages {
		if !known(name) {
			t.Errorf("package %s stands in no layer: give it its place in this test", name)
			continue
		}
		for _, imported := range p.imports {
			switch {
			case imported == "net/http":
				if !slices.Contains(httpUsers, name) {
					t.Errorf("%s imports net/http: HTTP is proxy/neon's alone", name)
				}
			case !known(imported):
				t.Errorf("%s imports %s, which stands in no layer", name, imported)
			case !allowed(name, imported):
				t.Errorf("%s must not import %s", name, imported)
			}
		}
	}
}

func TestImportRuleRefuses(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"cmd/pgturnstile", "proxy/neon", true},
		{"proxy/devstack", "proxy", true},
		{"proxy", "proxy/session", true},
		{"proxy/session", "proxy", false},
		{"proxy/session", "proxy/sqlscan", true},
		{"proxy/session", "proxy/neon", false},
		{"proxy/txn", "proxy/describe", false}, // the same layer
		{"proxy/txn", "proxy/splice", true},
		{"proxy/describe", "proxy/catalog", true},
		{"proxy/describe", "proxy/neon", false},
		{"proxy/catalog", "proxy/guc", false}, // the same layer
		{"proxy/guc", "proxy/encoding", true},
		{"proxy/encoding", "proxy/wire", false},
		{"proxy/splice", "proxy/sqlscan", true},
		{"proxy/splice", "proxy/plan", false}, // the same layer
		{"proxy/plan", "proxy/pgerr", true},
		{"proxy/sqlscan", "proxy/pgerr", false},
		{"proxy/pgerr", "proxy/upstream", false},
		{"jwks", "jwks/cognito", false},
		{"proxy", "jwks/cognito", true},
		{"proxy/session", "jwks/cognito", false},
		{"config", "proxy/pgerr", false},
	} {
		if got := allowed(c.from, c.to); got != c.want {
			t.Errorf("%s imports %s: allowed %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func TestEveryPackageIntroducesItself(t *testing.T) {
	for name, p := range readPackages(t, filepath.Join("..", "..")) {
		home, opening := "doc.go", "// Package "+filepath.Base(name)+" "
		if strings.HasPrefix(name, "cmd/") || strings.Contains(name, "/cmd/") {
			home, opening = "main.go", "// Command "+filepath.Base(name)+" "
		}
		if !slices.Contains(p.files, home) {
			t.Errorf("package %s has no %s", name, home)
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", "..", name, home))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), opening) {
			t.Errorf("%s/%s does not begin with %q", name, home, opening)
		}
	}
}

func known(name string) bool {
	_, ok := beside[name]
	return ok || layerOf(name) >= 0
}

// layerOf returns the index into layers, -1 if the package stands in none.
func layerOf(name string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, name) })
}

func allowed(from, to string) bool {
	if list, ok := beside[from]; ok {
		return slices.Contains(list, to)
	}
	layer := layerOf(from)
	switch {
	case slices.Contains(extra[from], to):
		return true
	case layer == layerOf("proxy/sqlscan"):
		return false
	case layer < layerOf("proxy"): // what assembles sees all that is not above it
		return layerOf(to) < 0 || layerOf(to) > layer
	}
	return slices.Contains(values, to) || layerOf(to) > layer
}

// readPackages reads the imports of all packages of the module, by their folder. Nested modules and testdata are left out.
func readPackages(t *testing.T, root string) map[string]*goPackage {
	t.Helper()
	packages := make(map[string]*goPackage)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, notNested := os.Stat(filepath.Join(path, "go.mod"))
			nested := path != root && !errors.Is(notNested, fs.ErrNotExist)
			if nested || entry.Name() == "testdata" || path != root && strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".." {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		p := packages[filepath.ToSlash(folder)]
		if p == nil {
			p = &goPackage{}
			packages[filepath.ToSlash(folder)] = p
		}
		p.files = append(p.files, entry.Name())
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			own, ok := strings.CutPrefix(imported, modulePath)
			if !ok && imported != "net/http" {
				continue
			}
			if !slices.Contains(p.imports, own) {
				p.imports = append(p.imports, own)
			}
		}
		slices.Sort(p.imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}
