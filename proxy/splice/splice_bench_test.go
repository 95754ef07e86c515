package splice

import "testing"

// benchSQL has places for edits as a pinned statement has them.
const benchSQL = `UPDATE "users" SET "name" = $1, "email" = $2, "seen_at" = $3 WHERE "users"."id" = $4 AND "users"."tenant" = $5`

func benchEdits() []Edit {
	var edits []Edit
	for i := range len(benchSQL) {
		if benchSQL[i] == '$' {
			edits = append(edits, Edit{Start: i, End: i + 2, New: "(" + benchSQL[i:i+2] + "::pg_catalog.text)"})
		}
	}
	return edits
}

func BenchmarkApply(b *testing.B) {
	edits := benchEdits()
	for name, edits := range map[string][]Edit{"0_edits": nil, "1_edit": edits[:1], "5_edits": edits} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Apply(benchSQL, edits)
			}
		})
	}
}

func BenchmarkBack(b *testing.B) {
	for name, edits := range map[string][]Edit{"0_edits": nil, "5_edits": benchEdits()} {
		b.Run(name, func(b *testing.B) {
			text := Apply(benchSQL, edits)
			last := int32(len(text.SQL())) + 1
			b.ReportAllocs()
			for b.Loop() {
				if text.Back(last) != int32(len(benchSQL))+1 {
					b.Fatal("the end is not the end")
				}
			}
		})
	}
}

func BenchmarkFreshName(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		FreshName("pin", benchSQL)
	}
}
