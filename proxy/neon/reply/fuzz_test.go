package reply

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// FuzzRows compares the scanner with the reference, whatever the pieces in which the reply arrives.
func FuzzRows(f *testing.F) {
	for _, text := range []string{twoRow, noRows, `{"rows":[["a"]],"fields":[` + fieldA + `],"rowCount":1,"command":"SELECT"}`,
		strings.Replace(twoRow, "null", "1", 1), twoRow[:80], "{\"x\":[1.5e-3,-0,{\"y\":[]},\"\xff\"]}"} {
		f.Add([]byte(text), uint8(1), false, uint64(7))
	}
	f.Add([]byte(`{"results":[`+noRows+`,`+twoRow+`]}`), uint8(2), true, uint64(1))
	f.Add([]byte(`{"results":[]}`), uint8(1), true, uint64(0))
	f.Fuzz(func(t *testing.T, data []byte, n uint8, batch bool, seed uint64) {
		statements := 1
		if batch {
			statements = 1 + int(n%4)
		}
		want, wantErr := reference(data, statements, batch)
		rng := rand.New(rand.NewPCG(seed, 1))
		got, err := scan(&pieces{data: data, rng: rng}, 1+rng.IntN(64), statements, batch)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("scanner says %v, reference %v", err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(normal(got), normal(want)) {
			t.Fatalf("scanner has %+v, reference %+v", got, want)
		}
	})
}

// normal makes nil and empty slices the same.
func normal(all []recorded) []recorded {
	for i := range all {
		if len(all[i].fields) == 0 {
			all[i].fields = nil
		}
	}
	return all
}

// pieces hands out data in random pieces, now and then none, the last one now and then with its EOF.
type pieces struct {
	data []byte
	rng  *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	rd := bytes.NewReader(p.data)
	if len(p.data) == 0 {
		return rd.Read(b)
	}
	n := copy(b, p.data[:p.rng.IntN(min(len(b), len(p.data))+1)])
	p.data = p.data[n:]
	return n, nil
}

// FuzzErrorBody proves that no body makes an error invalid, unbounded or a panic, and that a general decoder agrees on the
// SQLSTATE of what is taken.
func FuzzErrorBody(f *testing.F) {
	for _, text := range []string{`{"message":"a","code":"22012","position":"7","line":12}`, `{"msg":"x","code":null}`, `"query is not supported"`,
		`"{\"message\":\"m\",\"code\":\"XX000\"}"`, `<html>`, ``, `{"message":"a\u0000b\ud83d\ude00","code":""}`, "{\"message\":\"\xff\"}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Scanner
		b := s.Error(bytes.NewReader(data), make([]byte, 64))
		again := s.Error(bytes.NewReader(data), make([]byte, 3))
		if b != again {
			t.Fatalf("the window's size matters: %+v, %+v", b, again)
		}
		if !b.Known && b != (ErrorBody{}) {
			t.Fatalf("an unknown body has content: %+v", b)
		}
		v := reflect.ValueOf(b)
		for i := range v.NumField() {
			if v.Field(i).Kind() == reflect.String {
				text := v.Field(i).String()
				if len(text) > maxErrorField+maxWrapped || strings.ToValidUTF8(text, "") != text || strings.IndexByte(text, 0) >= 0 {
					t.Fatalf("%s is %q", v.Type().Field(i).Name, text)
				}
			}
		}
		tree, err := parseTree(data)
		if err != nil || !b.Known || tree.kind != '{' {
			return
		}
		for i, key := range tree.keys {
			if key == "code" && tree.kids[i].kind == '"' && strings.ReplaceAll(tree.kids[i].text, "\x00", "") != b.Code {
				t.Fatalf("code is %q, the reference has %q", b.Code, tree.kids[i].text)
			}
		}
	})
}
