package neontest_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// differenceClass is a reason why answers differ from the recording, and which.
type differenceClass struct {
	Reason string `json:"reason"`
	// ServerNot limits the class to servers of another server_version_num than this.
	ServerNot int `json:"server_not"`
	// ServerFrom limits the class to servers of this server_version_num or a later one. Seen with 16.14, 17.10 and 18.4.
	ServerFrom int `json:"server_from"`

	// Exchanges are names with the places at which each differs: all of them must.
	Exchanges map[string][]string `json:"exchanges"`
	// Or a rule, which at least one exchange of testdata must need.
	//
	// ErrorPlaces may differ in every error that Postgres' own source raised.
	ErrorPlaces []string `json:"error_places"`
	// Places may differ in every answer whose recorded body contains WhenExpected.
	WhenExpected string   `json:"when_expected"`
	Places       []string `json:"places"`
	// Versions are texts of the recorded server's version: the own server's stand for them.
	Versions map[string]string `json:"versions"` // by the setting that has it
}

type differences []differenceClass

// readDifferences reads the classes that hold for a server with these settings.
func readDifferences(t *testing.T, serverVersionNum int, setting func(name string) string) differences {
	t.Helper()
	var all, list differences
	if err := json.Unmarshal(mustRead(t, "testdata/differences.json"), &all); err != nil {
		t.Fatal(err)
	}
	for _, class := range all {
		if class.Reason == "" {
			t.Error("differences.json: an entry without a reason")
		}
		if class.ServerNot == serverVersionNum || class.ServerFrom > serverVersionNum {
			continue
		}
		own := map[string]string{}
		for name, recorded := range class.Versions {
			own[setting(name)] = recorded
		}
		class.Versions = own // now by the own server's text
		list = append(list, class)
	}
	return list
}

// verdict is what is to be said of an answer.
type verdict struct {
	unlisted []string // places that differ and may not
	stale    []string // places that are on the list and do not differ
	reason   string   // why it may differ, if it does
}

func (d differences) judge(e exchange, got response) verdict {
	var v verdict
	diff := compare(e.Response, got, e.Volatile)
	excuse := func(class differenceClass, places []string) {
		kept := slices.DeleteFunc(slices.Clone(diff), func(at string) bool { return slices.Contains(places, at) })
		if len(kept) < len(diff) {
			diff, v.reason = kept, class.Reason
		}
	}
	for _, class := range d {
		for own, recorded := range class.Versions {
			replaced := got
			replaced.Body = strings.ReplaceAll(got.Body, own, recorded)
			if again := compare(e.Response, replaced, e.Volatile); len(again) < len(diff) {
				got, diff, v.reason = replaced, again, class.Reason
			}
		}
	}
	for _, class := range d {
		if named, ok := class.Exchanges[e.Name]; ok {
			for _, at := range named {
				if !slices.Contains(diff, at) {
					v.stale = append(v.stale, at)
				}
			}
			v.reason = class.Reason
			excuse(class, named)
		}
		if class.WhenExpected != "" && strings.Contains(e.Response.Body, class.WhenExpected) {
			excuse(class, class.Places)
		}
		if raisedByPostgres(e.Response) {
			excuse(class, class.ErrorPlaces)
		}
	}
	v.unlisted = diff
	return v
}

var sourceOfPostgres = regexp.MustCompile(`\.[cly]$`)

func raisedByPostgres(want response) bool {
	var raised struct{ File string }
	return want.Status >= 400 && json.Unmarshal([]byte(want.Body), &raised) == nil && sourceOfPostgres.MatchString(raised.File)
}

// checkNeeded fails for what is on the list and is of no use.
func (d differences) checkNeeded(t *testing.T, exchanges []exchange, used map[string]int) {
	t.Helper()
	names := map[string]bool{}
	for _, e := range exchanges {
		names[e.Name] = true
	}
	for _, class := range d {
		for name := range class.Exchanges {
			if !names[name] {
				t.Errorf("differences.json: there is no exchange %s", name)
			}
		}
		if used[class.Reason] == 0 {
			t.Errorf("differences.json: nothing differs any more because of: %s", class.Reason)
		}
	}
}

func TestDifferencesAreJudged(t *testing.T) {
	list := differences{
		{Reason: "named", Exchanges: map[string][]string{"a": {"/line", "/file"}}},
		{Reason: "rule", ErrorPlaces: []string{"/line"}},
		{Reason: "text", WhenExpected: "special", Places: []string{"status", "/code"}},
		{Reason: "version", Versions: map[string]string{"15.18": "15.20"}},
	}
	for _, test := range []struct {
		name, want, got string
		verdict         verdict
	}{
		{"x", `{"file":"a.c","line":"1"}`, `{"file":"a.c","line":"1"}`, verdict{}},
		{"x", `{"file":"a.c","line":"1"}`, `{"file":"a.c","line":"2"}`, verdict{reason: "rule"}},
		{"x", `{"file":"a.rs","line":"1"}`, `{"file":"a.rs","line":"2"}`, verdict{unlisted: []string{"/line"}}},
		{"x", `{"file":"a.c","line":"1"}`, `{"file":"b.c","line":"2"}`, verdict{unlisted: []string{"/file"}, reason: "rule"}},
		{"a", `{"file":"a","line":"1"}`, `{"file":"b","line":"2"}`, verdict{reason: "named"}},
		{"a", `{"file":"a","line":"1"}`, `{"file":"a","line":"2"}`, verdict{stale: []string{"/file"}, reason: "named"}},
		{"x", `{"code":"special"}`, `{"code":"1"}`, verdict{reason: "text"}},
		{"x", `{"code":"1"}`, `{"code":"special"}`, verdict{unlisted: []string{"/code"}}},
		{"x", `{"v":"15.20 x"}`, `{"v":"15.18 x"}`, verdict{reason: "version"}},
		{"x", `{"v":"15.20 x"}`, `{"v":"15.18 y"}`, verdict{unlisted: []string{"/v"}}},
	} {
		e := exchange{Name: test.name, Response: response{Status: 400, Body: test.want}}
		got := list.judge(e, response{Status: 400, Body: test.got})
		if !slices.Equal(got.unlisted, test.verdict.unlisted) || !slices.Equal(got.stale, test.verdict.stale) || got.reason != test.verdict.reason {
			t.Errorf("%s %s: %+v, want %+v", test.name, test.got, got, test.verdict)
		}
	}
}
