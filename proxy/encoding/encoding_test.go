package encoding

import (
	"bytes"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"
)

// mixed is a text of characters that the encoding has, with now and then something that is none.
func mixed(r *rand.Rand, name string, faults bool) []byte {
	e := encodings[name]
	var b []byte
	for range r.IntN(12) {
		switch k := r.IntN(8); {
		case k == 0 && faults:
			for range 1 + r.IntN(3) {
				b = append(b, byte(r.IntN(256)))
			}
		case k < 3:
			b = append(b, byte(1+r.IntN(127)))
		default:
			c := rune(r.IntN(0x10000))
			if k == 3 {
				c = rune(0x80 + r.IntN(0x400))
			}
			if s, err := e.FromUTF8(nil, utf8.AppendRune(nil, c)); err == nil {
				b = append(b, s...)
			}
		}
	}
	return b
}

// TestTextsArePostgres sends texts, good and broken, as parameters in a session of the encoding: where the fault is in a
// text, and how much of it is left, changes what the error says. What could be read comes back to the client.
func TestTextsArePostgres(t *testing.T) {
	o := ask(t)
	r := rand.New(rand.NewPCG(20, 26))
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		e := encodings[name]
		o.exec("SET client_encoding = " + name)
		for i := range 100 {
			b := mixed(r, name, i%2 == 0)
			want := o.parameter("SELECT encode(convert_to($1, 'UTF8'), 'hex')", b)
			text, err := e.ToUTF8(nil, b)
			if err == nil {
				text = hex.AppendEncode(nil, text)
			}
			if got := outcome(text, err); got != want {
				t.Errorf("%s %x: %q, the server has %q", name, b, got, want)
			}
		}
		for range 40 {
			text, err := e.ToUTF8(nil, mixed(r, name, false))
			if err != nil {
				t.Fatal(err)
			}
			text = utf8.AppendRune(append(text, "Aé"...), rune(1+r.IntN(0xd7ff)))
			want := o.parameter("SELECT convert_from(decode($1, 'hex'), 'UTF8')", hex.AppendEncode(nil, text))
			if got := outcome(e.FromUTF8(nil, text)); got != want {
				t.Errorf("%s %q: %q, the server has %q", name, text, got, want)
			}
		}
	}
}

// What the server says of a client's own text, in a session of that encoding.
func TestSessionsArePostgres(t *testing.T) {
	o := ask(t)
	for _, tc := range []struct{ encoding, text string }{
		{"SQL_ASCII", "\xff"}, {"SQL_ASCII", "a\xc3"}, {"SQL_ASCII", "\xed\xa0\x80"}, {"SQL_ASCII", "\xf0\x9f"},
		{"UTF8", "\xf5\x80\x80\x80"}, {"UTF8", "\xe2\x82"}, {"UTF8", "\xc0\x80"},
		{"WIN1255", "\xca"}, {"EUC_JP", "\x8f\xa1"}, {"SJIS", "\x82"}, {"SJIS", "\x80\x40"}, {"GB18030", "\x81\x30\x81"}, {"UHC", "\xff\xff"},
	} {
		o.exec("SET client_encoding = " + tc.encoding)
		want := o.failure("SELECT '" + tc.text + "'")
		_, got := encodings[tc.encoding].ToUTF8(nil, []byte("SELECT '"+tc.text+"'"))
		if got == nil || got.Code != want.Code || got.Message != want.Message {
			t.Errorf("%s %x: %v, the server says %s: %s", tc.encoding, tc.text, got, want.Code, want.Message)
		}
	}
	o.exec("SET client_encoding = UTF8")
}

// The bytes before are kept, and the source is never shared.
func TestConversionsAppend(t *testing.T) {
	for _, name := range []string{"UTF8", "SQL_ASCII", "LATIN1", "SJIS"} {
		e := encodings[name]
		src := []byte("abc")
		for what, convert := range map[string]func() []byte{
			"from": func() []byte { b, _ := e.FromUTF8([]byte("x"), src); return b },
			"to":   func() []byte { b, _ := e.ToUTF8([]byte("x"), src); return b },
		} {
			got := convert()
			src[0] = 'z'
			if string(got) != "xabc" {
				t.Errorf("%s %s: %q", name, what, got)
			}
			src[0] = 'a'
		}
	}
}

func TestNULIsInvalid(t *testing.T) {
	for name, e := range encodings {
		if !e.Convertible() {
			continue
		}
		want := `22021 invalid byte sequence for encoding "` + name + `": 0x00`
		if name == "SQL_ASCII" {
			want = `22021 invalid byte sequence for encoding "UTF8": 0x00`
		}
		if got := outcome(e.ToUTF8(nil, []byte("a\x00b"))); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// FuzzToUTF8: what converts is UTF-8 without NUL and comes back as the same text; what does not is named.
func FuzzToUTF8(f *testing.F) {
	names := slices.Sorted(maps.Keys(sources))
	for i, s := range []string{"caf\xe9", "\x8f\xa2\xb7", "\x82\xa0\xb1", "\x81\x30\x81\x30", "\x8d ", "\x00", "\x8e", "\xff\xff", "\xca"} {
		f.Add(uint8(i*5), []byte(s))
	}
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		e := encodings[names[int(which)%len(names)]]
		text, err := e.ToUTF8(nil, b)
		if err != nil {
			if err.Code != "22021" && err.Code != "22P05" || text != nil {
				t.Fatalf("%s: %v and %q", e.Name(), err, text)
			}
			return
		}
		if problem := CheckUTF8(text); problem != nil {
			t.Fatalf("%s: %x became %x: %v", e.Name(), b, text, problem)
		}
		back, err := e.FromUTF8(nil, text)
		if err != nil {
			t.Fatalf("%s: %x became %q, which has no way back: %v", e.Name(), b, text, err)
		}
		again, err := e.ToUTF8(nil, back)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%s: %q went and came back as %q, %v", e.Name(), text, again, err)
		}
	})
}

// FuzzFromUTF8: any text is converted or its first character without an equivalent named; it comes back as valid UTF-8
// of as many characters.
func FuzzFromUTF8(f *testing.F) {
	names := slices.Sorted(maps.Keys(sources))
	for i, s := range []string{"café €", "日本語", "\u203e¥", "𠀀", "\xff", "\xed\xa0\x80", "a\x00"} {
		f.Add(uint8(i*5), []byte(s))
	}
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		e := encodings[names[int(which)%len(names)]]
		b, err := e.FromUTF8(nil, text)
		valid := CheckUTF8(text) == nil
		if err != nil {
			if err.Code != "22P05" && (err.Code != "22021" || valid) {
				t.Fatalf("%s: %v", e.Name(), err)
			}
			return
		}
		if !valid {
			t.Fatalf("%s: %x was taken", e.Name(), text)
		}
		back, err := e.ToUTF8(nil, b)
		if untranslatable := e.Name() == "GBK" && bytes.ContainsRune(text, '€'); untranslatable {
			return // 0x80 is what a server gives for it, and does not take back
		}
		if err != nil || utf8.RuneCount(back) != utf8.RuneCount(text) {
			t.Fatalf("%s: %q became %x, which comes back as %q, %v", e.Name(), text, b, back, err)
		}
	})
}

func BenchmarkFromUTF8(b *testing.B) {
	for _, tc := range []struct{ encoding, text string }{
		{"LATIN1", "a line of text that is ASCII"}, {"LATIN1", "Übermäßig viele Umlaute für äußerste Fälle"}, {"SJIS", "日本語のテキストはこう見えます"},
	} {
		b.Run(tc.encoding, func(b *testing.B) {
			e, text := encodings[tc.encoding], []byte(tc.text)
			var out []byte
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				out, _ = e.FromUTF8(out[:0], text)
			}
		})
	}
}
