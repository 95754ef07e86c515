package plan

import (
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

var benchmarks = []struct{ name, sql string }{
	{"select_20B", "select * from t where"[:20]},
	{"orm_300B", `SELECT "public"."User"."id", "public"."User"."email", "public"."User"."name", "public"."User"."createdAt" FROM ` +
		`"public"."User" LEFT JOIN "public"."Post" AS "j1" ON "j1"."authorId" = "public"."User"."id" WHERE ("public"."User"."email" ` +
		`= $1 AND "j1"."published" = $2) ORDER BY "public"."User"."id" ASC LIMIT $3 OFFSET $4`},
	{"insert_20_params", `INSERT INTO "items" ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, ` +
		`$9, $10), ($11, $12, $13, $14, $15, $16, $17, $18, $19, $20) RETURNING "id"`},
	{"analytic_5kB", "WITH sales AS (SELECT region, product, sum(amount) AS total FROM orders WHERE placed_at >= '2024-01-01' GROUP BY 1, 2)" +
		strings.Repeat(", x AS (SELECT region, product, total, rank() OVER (PARTITION BY region ORDER BY total DESC) AS r, "+
			"coalesce(nullif(lower(name), ''), 'none') AS n FROM sales s JOIN products p ON p.id = s.product AND p.price BETWEEN 1.5 AND 99 "+
			"WHERE s.total > (SELECT avg(total) FROM sales) /* above the average */)", 17) + " SELECT * FROM x WHERE r <= 10"},
}

// BenchmarkSplitAndClassify is what every statement costs before it is sent.
func BenchmarkSplitAndClassify(b *testing.B) {
	for _, bench := range benchmarks {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.sql)))
			b.ReportAllocs()
			dst := make([]sqlscan.Statement, 0, 1)
			for b.Loop() {
				dst = sqlscan.Split(dst[:0], bench.sql, true)
				Classify(dst[0], options)
			}
		})
	}
}

func BenchmarkTag(b *testing.B) {
	p := classify("select 1")
	b.ReportAllocs()
	for b.Loop() {
		Tag(p, "select 1", "SELECT", 12345, true)
	}
}

func TestForwardAllocatesNothing(t *testing.T) {
	for _, bench := range benchmarks {
		stmt := sqlscan.Split(nil, bench.sql, true)[0]
		if n := testing.AllocsPerRun(10, func() { Classify(stmt, options) }); n != 0 {
			t.Errorf("%s: %v allocations", bench.name, n)
		}
	}
}
