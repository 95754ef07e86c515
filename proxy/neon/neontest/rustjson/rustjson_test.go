package rustjson

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSyntaxErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{``, "EOF while parsing a value at line 1 column 0"},
		{`hello`, "expected value at line 1 column 1"},
		{` nul`, "EOF while parsing a value at line 1 column 4"},
		{`nuxx`, "expected ident at line 1 column 3"},
		{`{"query":"select 1"`, "EOF while parsing an object at line 1 column 19"},
		{`{"quer`, "EOF while parsing a string at line 1 column 6"},
		{`{`, "EOF while parsing an object at line 1 column 1"},
		{`{"a"`, "EOF while parsing an object at line 1 column 4"},
		{`{"a":`, "EOF while parsing a value at line 1 column 5"},
		{`{"a" 1}`, "expected `:` at line 1 column 6"},
		{`{"a":1,}`, "trailing comma at line 1 column 8"},
		{`{"a":1 "b"}`, "expected `,` or `}` at line 1 column 8"},
		{`{a:1}`, "key must be a string at line 1 column 2"},
		{`{"a":1,2}`, "key must be a string at line 1 column 8"},
		{`{"a":1,`, "EOF while parsing a value at line 1 column 7"},
		{`[`, "EOF while parsing a list at line 1 column 1"},
		{`[1`, "EOF while parsing a list at line 1 column 2"},
		{`[1,`, "EOF while parsing a value at line 1 column 3"},
		{`[1,]`, "trailing comma at line 1 column 4"},
		{`[1 2]`, "expected `,` or `]` at line 1 column 4"},
		{"[1,\n 2,\n x]", "expected value at line 3 column 2"},
		{`1 2`, "trailing characters at line 1 column 3"},
		{`01`, "invalid number at line 1 column 2"},
		{`-`, "EOF while parsing a value at line 1 column 1"},
		{`-x`, "invalid number at line 1 column 2"},
		{`1.`, "EOF while parsing a value at line 1 column 2"},
		{`1.x`, "invalid number at line 1 column 3"},
		{`1e`, "EOF while parsing a value at line 1 column 2"},
		{`1ex`, "invalid number at line 1 column 3"},
		{`[1e400]`, "number out of range at line 1 column 6"},
		{`1e99999999999`, "number out of range at line 1 column 12"},
		{"\"a\nb\"", "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0"},
		{`"\x"`, "invalid escape at line 1 column 3"},
		{`"\u12"`, "EOF while parsing a string at line 1 column 6"},
		{`"\u12zz"`, "invalid escape at line 1 column 7"},
		{`"\ud83d"`, "unexpected end of hex escape at line 1 column 8"},
		{`"\ud83dx"`, "unexpected end of hex escape at line 1 column 8"},
		{`"\ud83d\n"`, "unexpected end of hex escape at line 1 column 9"},
		{`"\ud83d\u0041"`, "lone leading surrogate in hex escape at line 1 column 13"},
		{`"\ude00"`, "lone leading surrogate in hex escape at line 1 column 7"},
		{"\"\xff\"", "invalid unicode code point at line 1 column 3"},
		{strings.Repeat("[", 128), "recursion limit exceeded at line 1 column 128"},
		{strings.Repeat("[", 127), "EOF while parsing a list at line 1 column 127"},
	} {
		d := NewDecoder([]byte(test.text))
		_, err := d.Value()
		if err == nil {
			err = d.End()
		}
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: %v, want %s", test.text, err, test.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"0", "0"}, {"42", "42"}, {"-7", "-7"}, {"-0", "-0.0"}, {"0.0", "0.0"}, {"1.50", "1.5"}, {"1e2", "100.0"}, {"1E-7", "1e-7"}, {"0.00001", "0.00001"},
		{"18446744073709551615", "18446744073709551615"}, {"18446744073709551616", "1.8446744073709552e19"}, {"12345678901234567890123", "1.2345678901234568e22"},
		{"-9223372036854775808", "-9223372036854775808"}, {"-9223372036854775809", "-9.223372036854776e18"},
		{"9007199254740993.0", "9007199254740994.0"}, {"1e15", "1000000000000000.0"}, {"1e16", "1e16"}, {"123456789012345680.0", "1.2345678901234568e17"},
		{"1e308", "1e308"}, {"503570e251", "5.0357e256"}, {"825e-57", "8.25e-55"}, {"1552e+135", "1.552e138"}, {"1e-400", "0.0"}, {"-1e-400", "-0.0"}, {"0e999999999999", "0.0"}, {"5e-324", "5e-324"},
		{"0.1234567890123456789012345678901234567890e5", "12345.678901234567"},
	} {
		v, err := NewDecoder([]byte(test.text)).Value()
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if got := string(Append(nil, v)); got != test.want {
			t.Errorf("%s is %s, want %s", test.text, got, test.want)
		}
	}
}

func TestAppend(t *testing.T) {
	const text = ` {"b":1, "a":[true,false,null,"q\"\\\/\b\f\n\r\t\u0001\u007f é😀\ud83d\ude00"],"b":{"z":-1.0,"é":{}}} `
	const want = `{"a":[true,false,null,"q\"\\/\b\f\n\r\t\u0001` + "\x7f" + ` é😀😀"],"b":{"z":-1.0,"é":{}}}`
	d := NewDecoder([]byte(text))
	v, err := d.Value()
	if err == nil {
		err = d.End()
	}
	if got := string(Append(nil, v)); err != nil || got != want {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}
}

func TestMembers(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`{"a": 1 ,"b":[1, {"x":"\ud800"}],"a":1e999}`, `a=1e999 b=[1, {"x":"\ud800"}]`},
		{`{}`, ``},
		{`{"a\"b":1}`, `invalid type: string "a\"b", expected a borrowed string at line 1 column 7`},
		{"{\"\\u0061\" \t:1}", `invalid type: string "a", expected a borrowed string at line 1 column 11`},
		{"{\"\\u0061\"\n}", `invalid type: string "a", expected a borrowed string at line 2 column 1`},
		{`{"\u00e9\u200b\u0000":1}`, `invalid type: string "é\u{200b}\0", expected a borrowed string at line 1 column 21`},
		{"{\"a\":\"\xff\"}", `invalid unicode code point at line 1 column 8`},
		{`{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, `a=` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000)},
		{`{"a":[1,2}`, "expected `,` or `]` at line 1 column 10"},
		{`{"a":{"b" 1}}`, "expected `:` at line 1 column 11"},
		{`{"a":{1}}`, "key must be a string at line 1 column 7"},
		{`{"a":{`, "EOF while parsing an object at line 1 column 6"},
		{`{"a":01}`, "invalid number at line 1 column 7"},
		{`{"a":1} x`, "trailing characters at line 1 column 9"},
		{`["a"]`, "invalid type: sequence, expected a map at line 1 column 0"},
		{`"a"`, `invalid type: string "a", expected a map at line 1 column 3`},
		{`12`, "invalid type: integer `12`, expected a map at line 1 column 2"},
	} {
		members, err := NewDecoder([]byte(test.text)).BorrowedMembers()
		var list []string
		for _, m := range members {
			list = append(list, m.Name+"="+string(m.Raw))
		}
		got := strings.Join(list, " ")
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q: %s\nwant %s", test.text, got, test.want)
		}
	}
}

// A reader that takes bytes one by one has read the byte that it looked at.
func TestStreamPositions(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`{"a":1e400}`, "number out of range at line 1 column 11"},
		{`{"a":1e400`, "number out of range at line 1 column 10"},
		{`{"a":x}`, "expected value at line 1 column 6"},
		{`{"a":"\ud83d"}`, "unexpected end of hex escape at line 1 column 13"},
		{`{"a":`, "EOF while parsing a value at line 1 column 5"},
	} {
		if _, err := NewStreamDecoder([]byte(test.text)).Value(); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.text, err, test.want)
		}
	}
}

func TestFloatsReadBack(t *testing.T) {
	for _, f := range []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, 1.0 / 3, 123456.789, 1e21, 1e-5, 1.5e-5, 9999999999999998, 2.5e15} {
		text := AppendFloat(nil, f)
		if back, err := strconv.ParseFloat(string(text), 64); err != nil || back != f {
			t.Errorf("%v is written %s", f, text)
		}
		if !json.Valid(text) {
			t.Errorf("%s is no JSON", text)
		}
	}
}

// The decoder accepts what encoding/json accepts, but for what serde_json refuses in addition; what it makes of a text
// can be written and read again; and what it skips agrees with what it reads.
func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-0,1.5e3,"x\n\ud83d\ude00",null,true]}`, ` [ ] `, `{"a":{"b":{}}}`, `1e400`, `"\ud800"`, "\"\xff\"", `{"a":1,"a":2}`, `[1,]`, `12345678901234567890123.5`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := NewDecoder(text)
		v, err := d.Value()
		if err == nil {
			err = d.End()
		}
		valid := json.Valid(text)
		if err == nil && !valid {
			t.Fatalf("%q is read as %s", text, Append(nil, v))
		}
		if err != nil && valid {
			reason := err.(*Error).Reason
			strict := reason == numberOutOfRange || reason == recursionLimit || reason == loneSurrogate || reason == endOfHexEscape || reason == invalidUnicode
			if !strict {
				t.Fatalf("%q is refused: %v", text, err)
			}
		}
		s := NewDecoder(text)
		if s.skip() == nil && s.End() == nil != valid && utf8.Valid(text) {
			t.Fatalf("%q is skipped otherwise than it is valid (%v)", text, valid)
		}
		if _, streamErr := NewStreamDecoder(text).Value(); (streamErr == nil) != (NewDecoder(text).valueOnly() == nil) {
			t.Fatalf("%q: the stream says %v", text, streamErr)
		}
		if err != nil {
			return
		}
		written := Append(nil, v)
		again, err := NewDecoder(written).Value()
		if err != nil || !bytes.Equal(Append(nil, again), written) && !hasFloat(v) {
			t.Fatalf("%q is written %s, which is read %s, %v", text, written, Append(nil, again), err)
		}
	})
}

func (d *Decoder) valueOnly() error {
	_, err := d.Value()
	return err
}

// hasFloat: reading is not exact for floats, so they need not read back the same.
func hasFloat(v Value) bool {
	if v.Kind == Float {
		return true
	}
	for _, item := range v.Items {
		if hasFloat(item) {
			return true
		}
	}
	for _, m := range v.Pairs {
		if hasFloat(m.Value) {
			return true
		}
	}
	return false
}
