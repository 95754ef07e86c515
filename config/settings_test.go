package config

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	tableBegin = "<!-- settings: made by go test ./config -run TestSettingsTable -update -->\n"
	tableEnd   = "<!-- end of settings -->\n"
)

// documents hold the table of settings between the two marks.
var documents = []string{"../deploy/settings.md"}

// The table of settings is made of the comments in config.go and of the defaults. The documents have it word for word.
func TestSettingsTable(t *testing.T) {
	table := settingsTable(t)
	for _, path := range documents {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, begins := strings.Cut(string(content), tableBegin)
		_, after, ends := strings.Cut(rest, tableEnd)
		if !begins || !ends {
			t.Fatalf("%s has no lines %s and %s", path, tableBegin, tableEnd)
		}
		switch want := before + tableBegin + table + tableEnd + after; {
		case string(content) == want:
		case !*update:
			t.Errorf("the table in %s is not what the settings say: run this test with -update", path)
		default:
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// settingsTable returns the table as Markdown, a row for each setting.
func settingsTable(t *testing.T) string {
	comments := fieldComments(t)
	var b strings.Builder
	b.WriteString("| key | default | meaning |\n|---|---|---|\n")
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			key := strings.TrimPrefix(path+"."+field.Tag.Get("yaml"), ".")
			comment := comments[v.Type().Name()+"."+field.Name]
			if comment == "" {
				t.Errorf("%s.%s has no comment", v.Type().Name(), field.Name)
			}
			value := v.Field(i)
			switch {
			case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct:
				fmt.Fprintf(&b, "| **`%s`** | | %s |\n", key, comment)
				walk(key+"[]", defaultEntry(value.Type().Elem()))
			case value.Kind() == reflect.Struct && defaultText(value) == "":
				fmt.Fprintf(&b, "| **`%s`** | | %s |\n", key, comment)
				walk(key, value)
			default:
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", key, defaultText(value), comment)
			}
		}
	}
	walk("", reflect.ValueOf(Default()).Elem())
	return b.String()
}

// defaultText shows a default; "" is a group of settings.
func defaultText(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case UserPolicy:
		return "`any`"
	case Secret:
		return "empty"
	case time.Duration:
		return "`" + durationText(value) + "`"
	case Size:
		return "`" + value.String() + "`"
	}
	switch {
	case v.Kind() == reflect.Struct:
		return ""
	case v.Kind() == reflect.Slice, v.Kind() == reflect.String && v.Len() == 0:
		return "empty"
	}
	return fmt.Sprintf("`%v`", v)
}

// fieldComments returns the comment of each field of a struct in config.go and values.go, in one line.
func fieldComments(t *testing.T) map[string]string {
	comments := map[string]string{}
	for _, name := range []string{"config.go", "values.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, ident := range field.Names {
						comments[spec.Name.Name+"."+ident.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
					}
				}
			}
			return true
		})
	}
	return comments
}
