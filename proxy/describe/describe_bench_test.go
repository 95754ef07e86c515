package describe

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/catalog"
	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// benchQueries are texts as an ORM sends them.
var benchQueries = map[string]Query{
	"short": {Text: `select id, task from todos where id = $1`, StandardConforming: true},
	"orm": {Text: `SELECT "public"."User"."id", "public"."User"."email", "public"."User"."name", "public"."User"."createdAt" FROM ` +
		`"public"."User" LEFT JOIN "public"."Post" AS "j1" ON "j1"."authorId" = "public"."User"."id" WHERE ("public"."User"."email" ` +
		`= $1 AND "j1"."published" = $2) ORDER BY "public"."User"."id" ASC LIMIT $3 OFFSET $4`,
		Settings: "8:work_mem=3:5MB;11:search_path=3:app;", Declared: []uint32{25, 16, 20, 20}, StandardConforming: true},
	"5kB": {Text: "SELECT " + strings.Repeat("a_column_with_a_name, ", 230) + "1", StandardConforming: true},
}

// BenchmarkHit is what a description that is in the cache costs.
func BenchmarkHit(b *testing.B) {
	for name, q := range benchQueries {
		d := New(nil, catalog.NewTypes(time.Hour, 100), Options{TTL: time.Hour})
		// Others are in the cache too.
		for _, other := range benchQueries {
			d.cache.store(keyOf(other), &Description{Params: []uint32{20}, Rows: true})
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Describe(b.Context(), unasked{}, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkKeyOf is the part of a hit that the key takes.
func BenchmarkKeyOf(b *testing.B) {
	for name, q := range benchQueries {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				keyOf(q)
			}
		})
	}
}

// unasked is a server that is not to be asked.
type unasked struct{}

func (unasked) Ask(context.Context, []upstream.Statement, upstream.RowSink) error {
	return errors.New("the server was asked")
}
