package proxytest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	postgres := []Result{{"same", []string{"a", "b"}}, {"other", []string{"x"}}, {"only there", []string{"y"}}}
	proxy := []Result{{"same", []string{"a", "b"}}, {"other", []string{"z"}}}
	other := Difference{Reason: "why", Lines: []string{"z"}}
	missing := Difference{Reason: "the session has ended"}
	for _, c := range []struct {
		name     string
		accepted Accepted
		want     []string // how each fault starts
	}{
		{"nothing accepted", nil, []string{`step "other"`, `step "only there"`}},
		{"all accepted", Accepted{"other": other, "only there": missing}, nil},
		{"accepted otherwise", Accepted{"other": missing, "only there": missing}, []string{`step "other" differs in another way`}},
		{"accepted without need", Accepted{"same": other, "other": other, "only there": missing}, []string{`step "same": an accepted difference is none`}},
		{"accepted for nothing", Accepted{"nope": other, "other": other, "only there": missing}, []string{`an accepted difference names the step "nope"`}},
	} {
		got := Compare(postgres, proxy, c.accepted)
		if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestReadAccepted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.accepted")
	read := func(text string) (Accepted, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return ReadAccepted(path)
	}
	got, err := read("# about the file\n\n= one\n# because\n# of that\nline 1\nline 2\n= two\n# ended\n")
	if err != nil || len(got) != 2 || got["one"].Reason != "because of that" || !slices.Equal(got["one"].Lines, []string{"line 1", "line 2"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for text, want := range map[string]string{
		"= one\nline":                "has no reason",
		"= one\n# a\n= one\n# b\n":   "stands twice",
		"line\n":                     "stands before the first step",
		"= one\n# a\nx\n= two\nline": "has no reason",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if got, err := ReadAccepted(path + ".nope"); err != nil || got != nil {
		t.Errorf("a missing file: %v, %v", got, err)
	}
}
