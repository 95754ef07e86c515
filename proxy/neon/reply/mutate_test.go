package reply

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// randomReply writes a valid reply with one result of every kind of value, its keys in any order.
func randomReply(rng *rand.Rand) string {
	cols, rows := rng.IntN(4), rng.IntN(4)
	var fields, all []string
	for i := range cols {
		fields = append(fields, shuffled(rng, fmt.Sprintf(`"name":%s`, randomString(rng)), fmt.Sprintf(`"dataTypeID":%d`, rng.Uint32()),
			fmt.Sprintf(`"tableID":%d`, rng.Uint32()), fmt.Sprintf(`"columnID":%d`, i), `"dataTypeSize":-1`, `"dataTypeModifier":-1`, `"format":"text"`))
	}
	for range rows {
		var cells []string
		for range cols {
			if rng.IntN(4) == 0 {
				cells = append(cells, "null")
			} else {
				cells = append(cells, randomString(rng))
			}
		}
		all = append(all, "["+strings.Join(cells, ",")+"]")
	}
	members := []string{`"fields":[` + strings.Join(fields, ",") + `]`, `"rows":[` + strings.Join(all, ", ") + `]`}
	if rng.IntN(2) == 0 {
		members = append(members, `"command":"SELECT"`, fmt.Sprintf(`"rowCount":%d`, rows))
	} else {
		members = append(members, `"command":"EXPLAIN"`, `"rowCount":null`)
	}
	if rng.IntN(2) == 0 {
		members = append(members, `"rowAsArray":true`)
	}
	if rng.IntN(4) == 0 {
		members = append(members, `"other":{"a":[1,-2.5e+7,"x\u00e9"],"b":false}`)
	}
	return shuffled(rng, members...)
}

func shuffled(rng *rand.Rand, members ...string) string {
	rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, []string{",", " ,\n", ",\t"}[rng.IntN(3)]) + "}"
}

func randomString(rng *rand.Rand) string {
	parts := []string{"a", "plain text of some length ", `\n`, `\"`, `\\`, `\/`, `\u00e9`, `\ud83d\ude00`, "é", "😀", "\u2028", "\x7f", `\b\f\r\t`, `\u001f`}
	var b strings.Builder
	for range rng.IntN(6) {
		b.WriteString(parts[rng.IntN(len(parts))])
	}
	return `"` + b.String() + `"`
}

// TestMutatedReplies compares the scanner with the reference on valid replies and on ones with a byte changed, dropped or
// doubled.
func TestMutatedReplies(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for i := range 6000 {
		n, isBatch := 1, i%3 == 0
		text := []byte(randomReply(rng))
		if isBatch {
			n = 1 + rng.IntN(3)
			var all [][]byte
			for range n {
				all = append(all, []byte(randomReply(rng)))
			}
			text = append(append([]byte(`{"results":[`), bytes.Join(all, []byte(","))...), "]}"...)
		}
		if i%2 == 1 {
			at := rng.IntN(len(text))
			switch rng.IntN(3) {
			case 0:
				interesting := "\"\\,:[]{}n0-.e\x00\x1f\x80\xc3\xed\xff ut"
				text[at] = interesting[rng.IntN(len(interesting))]
			case 1:
				text = append(text[:at], text[at+1:]...)
			default:
				text = append(text[:at+1], text[at:]...)
			}
		}
		want, wantErr := reference(text, n, isBatch)
		got, err := scan(&pieces{data: text, rng: rng}, 1+rng.IntN(128), n, isBatch)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: scanner says %v, reference %v", text, err, wantErr)
		}
		if err == nil {
			taken++
			if !reflect.DeepEqual(normal(got), normal(want)) {
				t.Fatalf("%q: scanner has %+v, reference %+v", text, got, want)
			}
		}
	}
	if taken < 3000 {
		t.Errorf("only %d replies were valid", taken)
	}
}
