package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestObject(t *testing.T) {
	members, err := Object([]byte(` {"a" : "x\u00e9\ud83d\ude00\n" , "b":[1, "y",null],"c":{"d":true},"e":-12,"é":false} `), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, m := range members {
		fmt.Fprintf(&got, "%s %d %s;", m.Name, m.Kind, m.Raw)
	}
	want := `a 3 "x\u00e9\ud83d\ude00\n";b 4 [1, "y",null];c 5 {"d":true};e 2 -12;é 1 false;`
	if got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
	if text, ok := members[0].Text(); !ok || text != "xé😀\n" {
		t.Errorf("text %q, %v", text, ok)
	}
	if n, ok := members[3].Integer(); !ok || n != -12 {
		t.Errorf("integer %d, %v", n, ok)
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		text string
		want error
	}{
		{``, ErrSyntax}, {`[]`, ErrSyntax}, {`"a"`, ErrSyntax}, {`{`, ErrSyntax}, {`{}x`, ErrSyntax}, {`{}{}`, ErrSyntax}, {`{"a"}`, ErrSyntax}, {`{"a":}`, ErrSyntax},
		{`{"a":1,}`, ErrSyntax}, {`{,"a":1}`, ErrSyntax}, {`{"a":1 "b":2}`, ErrSyntax}, {`{'a':1}`, ErrSyntax}, {`{a:1}`, ErrSyntax}, {`{"a":[1,]}`, ErrSyntax},
		{`{"a":[,1]}`, ErrSyntax}, {`{"a":01}`, ErrSyntax}, {`{"a":+1}`, ErrSyntax}, {`{"a":1.}`, ErrSyntax}, {`{"a":.5}`, ErrSyntax}, {`{"a":1e}`, ErrSyntax},
		{`{"a":-}`, ErrSyntax}, {`{"a":NaN}`, ErrSyntax}, {`{"a":tru}`, ErrSyntax}, {`{"a":nul`, ErrSyntax}, {`{"a":"x`, ErrSyntax}, {"{\"a\":\"\n\"}", ErrSyntax},
		{"{\"a\":\"\x00\"}", ErrSyntax}, {`{"a":"\x"}`, ErrSyntax}, {`{"a":"\u12g4"}`, ErrSyntax}, {`{"a":"\u12`, ErrSyntax}, {`{"a":1}//`, ErrSyntax}, {"\ufeff{}", ErrSyntax},
		{"{\"a\":\"\xff\"}", ErrUTF8}, {"{\"\xc0\x80\":1}", ErrUTF8}, {"{\"a\":\"\xed\xa0\x80\"}", ErrUTF8},
		{`{"a":1,"a":2}`, ErrDuplicate}, {`{"x":{"a":1,"a":2}}`, ErrDuplicate}, {`{"x":[{"a":1,"a":2}]}`, ErrDuplicate},
		{`{"a":1,"A":2}`, ErrVariant}, {`{"sub":1,"` + "\u017f" + `ub":2}`, ErrVariant}, {`{"k":1,"` + "\u212a" + `":2}`, ErrVariant}, {`{"é":1,"É":2}`, ErrVariant},
		{`{"a\"b":1}`, ErrName}, {`{"\u0061":1}`, ErrName}, {`{"x":{"a\nb":1}}`, ErrName},
		{`{"a":"\u0000"}`, ErrString}, {`{"a":"\ud800"}`, ErrString}, {`{"a":"\ud800\u0041"}`, ErrString}, {`{"a":"\udc00"}`, ErrString}, {`{"a":"\ud800\n"}`, ErrString},
		{`{"a":1e999}`, ErrNumber}, {`{"a":-1e999}`, ErrNumber}, {`{"a":` + strings.Repeat("9", 400) + `}`, ErrNumber},
		{`{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, ErrLimit}, {`{"a":` + strings.Repeat(`{"a":`, 1_000_000), ErrLimit},
		{`{"a":[0` + strings.Repeat(",0", 4096) + `]}`, ErrLimit},
	} {
		if members, err := Object([]byte(c.text), Limits{}); !errors.Is(err, c.want) || members != nil {
			t.Errorf("%.60q: %v, want %v", c.text, err, c.want)
		}
	}
	for _, good := range []string{`{}`, `{"":1}`, `{"x":{"a":1,"A":2}}`, `{"a":1e-999}`, `{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`, `{"a":"\/\b"}`} {
		if _, err := Object([]byte(good), Limits{}); err != nil {
			t.Errorf("%.60q: %v", good, err)
		}
	}
}

// An object of thousands of names costs no more than its length.
func TestManyNames(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"x":0`)
	for i := range 100_000 {
		fmt.Fprintf(&text, `,"%d":0`, i)
	}
	members, err := Object([]byte(text.String()+"}"), Limits{Values: 1 << 20})
	if err != nil || len(members) != 100_001 {
		t.Errorf("%d members, %v", len(members), err)
	}
	for _, twice := range []string{"0", "50000", "x", "X"} {
		if _, err := Object([]byte(text.String()+`,"`+twice+`":0}`), Limits{Values: 1 << 20}); err == nil {
			t.Errorf("%s twice was accepted", twice)
		}
	}
}

func TestInteger(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "1": "1", "-1": "-1", "9007199254740992": "9007199254740992", "-9007199254740992": "-9007199254740992",
		"9007199254740993": "", "9223372036854775808": "", "1.0": "", "1e3": "", "1E3": "", "-0": "", `"1"`: "", "null": "", "[1]": "", "true": "",
	} {
		members, err := Object([]byte(`{"a":`+text+`}`), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if n, ok := members[0].Integer(); ok {
			got = strconv.FormatInt(n, 10)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	for text, want := range map[string]string{
		`[]`: "[]", `[ ]`: "[]", `["a"]`: `["a"]`, `[ "a" , "b\n" ]`: `["a" "b\n"]`, `["a",1]`: "", `[null]`: "", `[["a"]]`: "", `"a"`: "", `{"a":"b"}`: "",
	} {
		members, err := Object([]byte(`{"a":`+text+`}`), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if texts, ok := members[0].Texts(); ok {
			got = fmt.Sprintf("%q", texts)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestSameButCase(t *testing.T) {
	for name, want := range map[string]bool{"SUB": true, "Sub": true, "\u017fub": true, "sub": false, "subs": false, "": false} {
		if got := SameButCase(name, "sub"); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// oracle judges by the tokens of jsontext, which refuses duplicate names and invalid UTF-8 itself.
func oracle(data []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	values, top, ended := -1, []string{}, false
	for {
		before := d.InputOffset()
		token, err := d.ReadToken()
		if err == io.EOF {
			return ended
		}
		if err != nil {
			return false
		}
		kind := token.Kind()
		if values == -1 && kind != '{' || ended {
			return false // not an object, or more than one value
		}
		ended = d.StackDepth() == 0
		if kind != '}' && kind != ']' {
			values++
		}
		if d.StackDepth() > defaultDepth || values > defaultValues {
			return false
		}
		raw := string(data[before:d.InputOffset()])
		switch kind {
		case '"':
			text := token.String()
			if strings.ContainsRune(text, 0) {
				return false
			}
			if in, n := d.StackIndex(d.StackDepth()); in == '{' && n%2 == 1 { // a name
				if strings.Contains(raw, `\`) {
					return false
				}
				if d.StackDepth() == 1 {
					for _, other := range top {
						if strings.EqualFold(other, text) {
							return false
						}
					}
					top = append(top, text)
				}
			}
		case '0':
			if _, err := strconv.ParseFloat(token.String(), 64); err != nil {
				return false
			}
		}
	}
}

// FuzzObject: never panics, and accepts exactly what the oracle accepts.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` {"a":1} `, `{"a":"\ud83d\ude00","b":[1,2.5e3,null,true,{"c":{}}]}`, `{"a":1,"A":2}`, `{"a":1,"a":1}`, `{"x":{"a":1,"a":2}}`, `{"a\"":1}`,
		`{"a":"\u0000"}`, `{"a":1e999}`, `{}{}`, `{} {}`, `{"a":01}`, `[{}]`, "{\"a\":\"\xff\"}", `{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}`,
		`{"iss":"https://cognito-idp.us-east-2.amazonaws.com/p","sub":"a","exp":1795539123,"cognito:groups":["x"]}`, `{"s":1,"ſ":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := Object(data, Limits{})
		if want := oracle(data); want != (err == nil) {
			t.Fatalf("%q: %v, but the oracle says %v", data, err, want)
		}
		for _, m := range members {
			if m.Kind == String {
				if _, ok := m.Text(); !ok {
					t.Errorf("%q: the string of %q cannot be read", data, m.Name)
				}
			}
		}
	})
}
