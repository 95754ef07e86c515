package splice

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

func TestApplyAndBack(t *testing.T) {
	type at struct {
		text     string // where SQL() has it, the position is that of its first character
		position int32  // in the original
		inserted bool
	}
	for _, tc := range []struct {
		name, original string
		edits          []Edit
		want           string
		positions      []at
	}{
		{"nothing", "select 1", nil, "select 1", []at{{"1", 8, false}}},
		{"in front", "select é, x", []Edit{{0, 0, "WITH ü AS (…) "}}, "WITH ü AS (…) select é, x",
			[]at{{"WITH", 1, true}, {"…", 1, true}, {"select", 1, false}, {"é", 8, false}, {"x", 11, false}}},
		{"for a word", "select €, $1, x", []Edit{{12, 14, "($1::pg_catalog.text)"}}, "select €, ($1::pg_catalog.text), x",
			[]at{{"€", 8, false}, {"($1", 11, true}, {"$1", 11, true}, {")", 11, true}, {", x", 13, false}}},
		{"at the end", "select 1", []Edit{{8, 8, " LIMIT 1"}}, "select 1 LIMIT 1", []at{{"1", 8, false}, {" LIMIT", 9, true}}},
		{"taken away", "a bé c d", []Edit{{2, 5, ""}, {6, 7, "xyz"}}, "a  xyz d", []at{{"a", 1, false}, {"xyz", 6, true}, {" d", 7, false}}},
		{"two at one place", "ab", []Edit{{1, 1, "1"}, {1, 1, "2"}, {1, 2, "B"}}, "a12B", []at{{"1", 2, true}, {"2", 2, true}, {"B", 2, true}}},
	} {
		text := Apply(tc.original, tc.edits)
		if text.SQL() != tc.want || text.Original() != tc.original || text.Edited() != (len(tc.edits) > 0) {
			t.Errorf("%s: %q, original %q, edited %v", tc.name, text.SQL(), text.Original(), text.Edited())
			continue
		}
		for _, p := range tc.positions {
			position := int32(utf8.RuneCountInString(tc.want[:strings.Index(tc.want, p.text)])) + 1
			if got := text.Back(position); got != p.position {
				t.Errorf("%s: %q is at %d of the original, want %d", tc.name, p.text, got, p.position)
			}
			if got := text.Inserted(position); got != p.inserted {
				t.Errorf("%s: %q inserted %v", tc.name, p.text, got)
			}
		}
		end := int32(utf8.RuneCountInString(tc.original)) + 1
		for _, behind := range []int32{int32(utf8.RuneCountInString(tc.want)) + 1, 1 << 20} {
			if got := text.Back(behind); len(tc.edits) > 0 && got != end {
				t.Errorf("%s: the end is at %d, want %d", tc.name, got, end)
			}
			if text.Inserted(behind) {
				t.Errorf("%s: the end is inserted", tc.name)
			}
		}
		if text.Back(0) != 0 || text.Inserted(0) {
			t.Errorf("%s: no position became %d", tc.name, text.Back(0))
		}
	}
}

func TestApplyRefusesWhatIsNoEdit(t *testing.T) {
	for _, edits := range [][]Edit{{{2, 1, ""}}, {{-1, 1, ""}}, {{0, 9, ""}}, {{0, 2, ""}, {1, 3, ""}}, {{3, 4, ""}, {0, 1, ""}}} {
		func() {
			defer func() {
				if p, ok := recover().(string); !ok || !strings.HasPrefix(p, "BUG: ") {
					t.Errorf("%v: panic %v", edits, p)
				}
			}()
			Apply("select 1", edits)
		}()
	}
}

func TestNothingAllocatedWithoutEdits(t *testing.T) {
	sql := strings.Repeat("x", 1000)
	if n := testing.AllocsPerRun(100, func() {
		if text := Apply(sql, nil); text.SQL() != sql || text.Back(7) != 7 {
			t.Error("another text")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFreshName(t *testing.T) {
	for _, tc := range []struct {
		texts []string
		want  string
	}{
		{nil, "pin_"},
		{[]string{"select 1"}, "pin_"},
		{[]string{"select * from pin"}, "pin_"},
		{[]string{"select * from pin_"}, "pin_1"},
		{[]string{"select * from PIN_, pin_1"}, "pin_2"},
		{[]string{`select "Pin_1"`, "select pin_2"}, "pin_3"},
		{[]string{"select pin_2"}, "pin_1"},
		{[]string{"select pin_99999999999999999999999999"}, "pin_1"},
		{[]string{"select pin_01, pin_02, pin_03"}, "pin_4"},
		{[]string{`select * from U&"\0070in_"`}, "pin_1"},
		{[]string{`select * from U&"!0070in!005f1", U&"p\006"`}, "pin_"},
		{[]string{`select * from U&"!0070in!005f1" UESCAPE '!'`}, "pin_2"},
		{[]string{`select $f$ select * from pin_ $f$`}, "pin_1"},
		{[]string{`select 'a pin_b'`}, "pin_1"},
		{[]string{`select E'p\x69n_'`}, "pin_1"},
		{[]string{`select 'p\x69n_'`}, "pin_1"}, // with standard_conforming_strings off
		{[]string{`select U&'p\0069n_'`}, "pin_1"},
		{[]string{"select 'pi'\n 'n_'"}, "pin_1"},
		{[]string{"select '" /* does not end */, "pin_"}, "pin_1"},
		{[]string{"select spin_"}, "pin_1"},
	} {
		if got := FreshName("pin", tc.texts...); got != tc.want {
			t.Errorf("%q: %s, want %s", tc.texts, got, tc.want)
		}
	}
}

// The time for a text that takes very many names grows with its length alone.
func TestFreshNameOfAHostileText(t *testing.T) {
	var b strings.Builder
	for range 200_000 {
		b.WriteString("pin_1,")
	}
	if got := FreshName("pin", b.String()); got != "pin_2" {
		t.Errorf("%s", got)
	}
}

// FuzzBack: outside edits Back is the inverse of how a place moves, inside it is the edit's start, and it never leaves the text. Of a text
// that is not UTF-8, which no statement is, only the last holds: an edit can make one character of the bytes around it.
func FuzzBack(f *testing.F) {
	f.Add("select é $1 from t", []byte{0, 0, 3, 9, 2, 5, 1, 0, 4})
	f.Add("", []byte{0, 0, 1})
	f.Add("\xff\xfe€", []byte{1, 1, 0})
	f.Add("\xd90\x9c", []byte{1, 1, 0})
	f.Fuzz(func(t *testing.T, original string, script []byte) {
		// Three bytes make an edit: how far behind the last one, how much goes, how much comes. Edges of characters alone, as with tokens.
		var edges []int
		for i := range original {
			edges = append(edges, i)
		}
		edges = append(edges, len(original))
		var edits []Edit
		at := 0
		for ; len(script) >= 3 && at < len(edges); script = script[3:] {
			start := at + int(script[0])
			end := start + int(script[1])
			if end >= len(edges) {
				break
			}
			edits = append(edits, Edit{edges[start], edges[end], strings.Repeat("ü", int(script[2])%8)})
			at = end
		}
		text := Apply(original, edits)
		last := int32(utf8.RuneCountInString(original)) + 1
		forward := func(offset int) (moved int, inside bool) {
			moved = offset
			for _, e := range edits {
				if offset < e.Start || offset == e.Start && e.End > e.Start && offset < e.End {
					return moved, offset == e.Start
				}
				if offset < e.End {
					return 0, true
				}
				moved += len(e.New) - (e.End - e.Start)
			}
			return moved, false
		}
		for i, offset := range edges {
			moved, inside := forward(offset)
			if inside || !utf8.ValidString(original) {
				continue
			}
			position := int32(utf8.RuneCountInString(text.SQL()[:moved])) + 1
			if got := text.Back(position); got != int32(i)+1 {
				t.Fatalf("%q %v: character %d went to %d and came back as %d", original, edits, i+1, position, got)
			}
		}
		for p := int32(1); p <= int32(utf8.RuneCountInString(text.SQL()))+3; p++ {
			if got := text.Back(p); got < 1 || Apply(original, edits).Edited() && got > last {
				t.Fatalf("%q %v: %d became %d, the end is at %d", original, edits, p, got, last)
			}
		}
	})
}

func FuzzFreshName(f *testing.F) {
	f.Add(`select pin_, U&"p\0069n_1", E'\x70in_2'`)
	f.Add("select 'p'\n'in_', $a$pin_3$a$")
	f.Add("'\x82\\x70in_'")
	f.Fuzz(func(t *testing.T, sql string) {
		name := FreshName("pin", sql)
		for _, conforming := range []bool{true, false} {
			scan := sqlscan.New(sql, conforming)
			for token, ok := scan.Next(); ok; token, ok = scan.Next() {
				if token.IsIdent() && sqlscan.Ident(sql, token) == name {
					t.Fatalf("%q has the identifier %s", sql, name)
				}
				value, _ := sqlscan.StringValue(sql, token)
				if _, rest, found := strings.Cut(strings.ToLower(value), name); found && (rest == "" || rest[0] < '0' || rest[0] > '9') {
					t.Fatalf("%q has %s in a string", sql, name)
				}
			}
		}
		if again := FreshName("pin", sql, name); again == name {
			t.Fatalf("%q: %s twice", sql, name)
		}
	})
}
