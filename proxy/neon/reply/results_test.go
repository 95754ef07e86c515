package reply

import (
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

const (
	fieldA = `{"name":"a","dataTypeID":25,"tableID":16384,"columnID":1,"dataTypeSize":-1,"dataTypeModifier":-1,"format":"text"}`
	fieldB = `{"name":"é","dataTypeID":4294967295,"tableID":0,"columnID":-1,"dataTypeSize":4,"dataTypeModifier":20,"format":"text"}`
	tail   = `"command":"SELECT","rowCount":2,"rowAsArray":true}`
	twoRow = `{"fields":[` + fieldA + `,` + fieldB + `],"rows":[["x\n\u00e9\ud83d\ude00\"",null],["","é"]],` + tail
	noRows = `{"fields":[],"rows":[],"command":"CREATE","rowCount":null,"rowAsArray":true}`
)

var twoRowWant = recorded{
	fields: []upstream.Field{{Name: "a", TableOID: 16384, Column: 1, TypeOID: 25, TypeSize: -1, TypeMod: -1},
		{Name: "é", Column: 0xffff, TypeOID: 4294967295, TypeSize: 4, TypeMod: 20}},
	rows: [][]byte{[]byte("\x00\x02\x00\x00\x00\x09x\né😀\"\xff\xff\xff\xff"), []byte("\x00\x02\x00\x00\x00\x00\x00\x00\x00\x02é")},
	done: upstream.Completion{Command: "SELECT", Rows: 2, HasRows: true}, whole: true,
}

func TestResultsTakeKeysInAnyOrder(t *testing.T) {
	fields, rows := `"fields":[`+fieldA+`,`+fieldB+`]`, `"rows":[["x\n\u00e9\ud83d\ude00\"",null],["","é"]]`
	command, count, array := `"command":"SELECT"`, `"rowCount":2`, `"rowAsArray":true`
	for _, keys := range [][]string{
		{fields, rows, command, count, array},
		{rows, fields, command, count, array},
		{array, count, command, rows, fields},
		{command, rows, count, fields, array},
		{fields, rows, command, count},
		{`"notices":[{"a":[1.5e-3,-0,true,false,null,"\u0001"]}]`, fields, `"x":{}`, rows, command, array, count},
	} {
		text := " {" + strings.Join(keys, " ,\n\t") + "\r} \n"
		got, err := scan(strings.NewReader(text), 64, 1, false)
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], twoRowWant) {
			t.Errorf("%s:\n%+v, %v", text, got, err)
		}
	}
}

func TestResultsOfABatch(t *testing.T) {
	text := `{"results":[` + noRows + `,` + twoRow + `,` + strings.Replace(noRows, "CREATE", "", 1) + `],"x":1}`
	got, err := scan(strings.NewReader(text), 64, 3, true)
	want := []recorded{{done: upstream.Completion{Command: "CREATE"}, whole: true}, twoRowWant, {whole: true}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestResultsSplitAnywhere(t *testing.T) {
	text := `{"results":[` + twoRow + `,` + noRows + `]}`
	want, err := scan(strings.NewReader(text), 1<<16, 2, true)
	if err != nil {
		t.Fatal(err)
	}
	for window := 1; window < 80; window++ {
		for name, rd := range map[string]io.Reader{
			"whole": strings.NewReader(text), "one byte": iotest.OneByteReader(strings.NewReader(text)),
			"half": iotest.HalfReader(strings.NewReader(text)), "data with EOF": iotest.DataErrReader(strings.NewReader(text)),
		} {
			if got, err := scan(rd, window, 2, true); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("window %d, %s: %+v, %v", window, name, got, err)
			}
		}
	}
}

// TestCutReplyIsNeverAShorterResult cuts a reply at every byte.
func TestCutReplyIsNeverAShorterResult(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		n     int
		batch bool
	}{"single": {twoRow, 1, false}, "batch": {`{"results":[` + noRows + `,` + twoRow + `]}`, 2, true}} {
		for i := range len(c.text) {
			got, err := scan(strings.NewReader(c.text[:i]), 16, c.n, c.batch)
			fault, ok := errors.AsType[*Error](err)
			if !ok || !errors.Is(fault, io.ErrUnexpectedEOF) {
				t.Errorf("%s cut at %d: %v", name, i, err)
			}
			if len(got) == c.n && got[c.n-1].whole {
				t.Errorf("%s cut at %d: the last result was completed", name, i)
			}
			broken := errors.New("connection reset")
			if _, err := scan(io.MultiReader(strings.NewReader(c.text[:i]), iotest.ErrReader(broken)), 16, c.n, c.batch); !errors.Is(err, broken) {
				t.Errorf("%s broken at %d: %v", name, i, err)
			}
		}
	}
}

func TestResultsRefuse(t *testing.T) {
	row := func(rows string) string {
		return `{"fields":[` + fieldA + `],"rows":[` + rows + `],"command":"INSERT","rowCount":1}`
	}
	field := func(old, new string) string {
		return `{"fields":[` + strings.Replace(fieldA, old, new, 1) + `],"rows":[],"command":"INSERT","rowCount":1}`
	}
	for reason, texts := range map[string][]string{
		"the reply is no JSON object":  {`[]`, `"x"`, `<html>`, `null`, "\x1f\x8b"},
		"bytes after the end":          {noRows + `,`, noRows + noRows, noRows + "\x00"},
		"a row is broken":              {row(`["a" "b"]`), row(`["a"}`)},
		"neither a string nor null":    {row(`["a",]`), row(`[,]`), row(`[1]`), row(`[true]`), row(`[{}]`), row(`[[]]`)},
		"number of columns":            {row(`[]`), row(`["a","b"]`), row(`["a"],[]`)},
		"a row is no list":             {row(`{}`), row(`"a"`), row(`["a"],`), row(`null`), row(`,["a"]`)},
		"a list is broken":             {row(`["a"]["a"]`), row(`["a"]:`)},
		"not UTF-8":                    {row("[\"\xff\"]"), row("[\"\xc3\"]"), row("[\"\xc3\\u00e9\"]"), row("[\"\xed\xa0\x80\"]"), row("[\"12345678\xc0\xaf\"]"), field(`"a"`, "\"\x80\"")},
		"control character":            {row("[\"\n\"]"), row("[\"12345678\x00\"]"), row("[\"\x1f\"]")},
		"a lone surrogate":             {row(`["\ud800"]`), row(`["\udc00"]`), row(`["\ud800\u0041"]`), row(`["\ud800x"]`), row(`["\ud800\n"]`)},
		"a NUL in a string":            {row(`["\u0000"]`), field(`"a"`, `"\u0000"`)},
		"an unknown escape":            {row(`["\x"]`), row(`["\'"]`), row(`["\U0041"]`)},
		"a bad \\u escape":             {row(`["\u00g0"]`), row(`["\u 041"]`)},
		"an unknown literal":           {row(`[nul]`), row(`[nULL]`), `{"x":tru}`},
		"a key comes twice":            {`{"rows":[],"rows":[]}`, `{"fields":[],"x":1,"fields":[]}`, `{"x":1,"x":1}`, field(`"name":"a"`, `"name":"a","name":"a"`)},
		"a result lacks":               {`{}`, `{"fields":[],"rows":[],"command":""}`, `{"fields":[],"rows":[],"rowCount":1}`, `{"fields":[],"command":"","rowCount":null}`, `{"rows":[["a"]],"command":"","rowCount":null}`, `{"Fields":[],"rows":[],"command":"","rowCount":null}`},
		"rowAsArray is not true":       {`{"rowAsArray":false}`, `{"rowAsArray":null}`, `{"rowAsArray":"true"}`},
		"fields is no list":            {`{"fields":null}`, `{"fields":{}}`},
		"rows is no list":              {`{"rows":null}`, `{"rows":{}}`},
		"command is no string":         {`{"command":null}`, `{"command":1}`},
		"no integer of its range":      {`{"rowCount":-1}`, `{"rowCount":1.0}`, `{"rowCount":1e0}`, `{"rowCount":9223372036854775808}`, field(`:25`, `:4294967296`), field(`:25`, `:-1`), field(`"columnID":1`, `"columnID":32768`)},
		"a bad number":                 {`{"rowCount":"1"}`, `{"rowCount":true}`, `{"x":-}`, `{"x":1.}`, `{"x":1e}`, `{"x":1e+}`, `{"x":+1}`, `{"x":.5}`},
		"an object is broken":          {`{"rowCount":01}`, `{,}`, `{"x":1,}`, `{"x" 1}`, `{"x":1 "y":1}`, `{x:1}`, `{"x":1]`},
		"a number is too long":         {`{"rowCount":` + strings.Repeat("1", 65) + `}`},
		"a field lacks a key":          {field(`"tableID":16384,`, ``), field(`,"format":"text"`, ``)},
		"a field's format is not text": {field(`"text"`, `"binary"`), field(`"text"`, `1`)},
		"a field's name is no string":  {field(`"name":"a"`, `"name":null`)},
		"a field is no object":         {`{"fields":[1]}`, `{"fields":[[]]}`},
		"too many fields":              {`{"fields":[` + strings.Repeat(fieldA+",", 1664) + fieldA + `]}`},
		"a string is too long":         {`{"` + strings.Repeat("k", 129) + `":1}`, field(`"a"`, `"`+strings.Repeat("n", 1025)+`"`), `{"x":"` + strings.Repeat("v", 1<<20+1) + `"}`},
		"a row is too large":           {`{"rows":[[` + strings.Repeat(`null,`, 1664) + `null]]}`},
		"too many unknown keys":        {`{` + manyKeys(33) + `}`},
		"values are nested too deep":   {`{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, `{"x":` + strings.Repeat(`{"x":`, 1e6)},
		"too many rows before":         {`{"rows":[` + strings.Repeat(`["`+strings.Repeat("x", 1<<16)+`"],`, 129)},
		"rowCount is not the number":   {strings.Replace(twoRow, `"rowCount":2`, `"rowCount":3`, 1), strings.Replace(twoRow, `"rowCount":2`, `"rowCount":null`, 1), strings.Replace(twoRow, `,["","é"]`, ``, 1)},
	} {
		for _, text := range texts {
			got, err := scan(strings.NewReader(text), 4096, 1, false)
			if err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("%.200s: %v, want %q", text, err, reason)
			}
			if len(got) > 0 && got[0].whole {
				t.Errorf("%.200s: completed", text)
			}
		}
	}
	for _, c := range []struct {
		text, reason string
		n            int
	}{
		{`{"results":[` + noRows + `]}`, "fewer results than statements", 2},
		{`{"results":[]}`, "fewer results than statements", 1},
		{`{"results":[` + noRows + `,` + noRows + `]}`, "more results than statements", 1},
		{`{"results":[` + noRows + `,]}`, "a result is no object", 2},
		{`{"results":{}}`, "results is no list", 1},
		{`{"x":1}`, "the reply has no results", 1},
		{noRows, "the reply has no results", 1},
		{`{"results":[` + noRows + `],"results":[]}`, "a key comes twice", 1},
	} {
		if _, err := scan(strings.NewReader(c.text), 4096, c.n, true); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%.200s: %v, want %q", c.text, err, c.reason)
		}
	}
}

func manyKeys(n int) string {
	var keys []string
	for i := range n {
		keys = append(keys, `"k`+strconv.Itoa(i)+`":1`)
	}
	return strings.Join(keys, ",")
}

func TestSinkErrorComesBackAsItIs(t *testing.T) {
	stop := errors.New("client has gone")
	var s Scanner
	err := s.Results(strings.NewReader(twoRow), make([]byte, 64), 1, false, &recorder{fail: stop})
	if err != stop {
		t.Errorf("%v", err)
	}
}

// TestScannerIsReusable runs replies through one scanner whose predecessors failed.
func TestScannerIsReusable(t *testing.T) {
	var s Scanner
	window := make([]byte, 64)
	for i := range len(twoRow) {
		_ = s.Results(strings.NewReader(twoRow[:i]), window, 1, false, &recorder{})
		sink := &recorder{}
		if err := s.Results(strings.NewReader(twoRow), window, 1, false, sink); err != nil || !reflect.DeepEqual(sink.all[0], twoRowWant) {
			t.Fatalf("after a cut at %d: %+v, %v", i, sink.all, err)
		}
	}
}

// TestCompleteOnlyAtTheEnd asks for every byte whether the reply may end with it.
func TestCompleteOnlyAtTheEnd(t *testing.T) {
	for _, text := range []string{twoRow, noRows, twoRow + "\n", strings.Replace(noRows, `,"rowAsArray":true`, ``, 1),
		`{"rowAsArray":true,"fields":[],"rows":[],"command":"INSERT","rowCount":1}`, `{"fields":[],"rows":[],"command":"INSERT","rowCount":1,"x":12}`} {
		var s Scanner
		last := &lastByte{text: text, s: &s}
		if err := s.Results(last, make([]byte, 1<<10), 1, false, &recorder{}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for i := 2; i < len(strings.TrimSpace(text)); i++ {
			cut := &lastByte{text: text[:i], s: &s}
			if err := s.Results(cut, make([]byte, 1<<10), 1, false, &recorder{}); err == nil {
				t.Errorf("%s taken", text[:i])
			}
			// Right behind a member, and inside a last number, only the byte itself could tell.
			if behind := text[i-2]; text[i-1] != ',' && !cut.refused && (behind == '[' || behind == '{' || behind == ':' || behind == 'n') {
				t.Errorf("the last byte of %s was given out", text[:i])
			}
		}
	}
}

// lastByte hands out the last byte of text only if s agrees.
type lastByte struct {
	text    string
	at      int
	s       *Scanner
	refused bool
}

func (l *lastByte) Read(p []byte) (int, error) {
	left := len(l.text) - l.at
	if left == 0 {
		return 0, io.EOF
	}
	if left == 1 && !l.s.Complete() {
		l.refused = true
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, l.text[l.at:max(len(l.text)-1, l.at+1)])
	l.at += n
	return n, nil
}

func scan(rd io.Reader, window, n int, batch bool) ([]recorded, error) {
	var s Scanner
	sink := &recorder{}
	err := s.Results(rd, make([]byte, window), n, batch, sink)
	return sink.all, err
}

// TestPlainAgreesByteByByte compares the word-wise search with the obvious one, for every two bytes at every place.
func TestPlainAgreesByteByByte(t *testing.T) {
	for first := range 256 {
		for second := range 256 {
			for at := range 9 {
				b := []byte("abcdefghijkl")
				b[at], b[at+1] = byte(first), byte(second)
				want := 0
				for want < len(b) && b[want] != '"' && b[want] != '\\' && b[want] >= ' ' {
					want++
				}
				n, beyond := plain(b)
				if n != want {
					t.Fatalf("%q: %d, want %d", b, n, want)
				}
				for _, c := range b[:n] {
					if c >= 0x80 && beyond == 0 {
						t.Fatalf("%q: a byte beyond ASCII goes unseen", b)
					}
				}
			}
		}
	}
}
