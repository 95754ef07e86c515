module github.com/pgturnstile/pgturnstile/proxy/sqlscan/oracle

go 1.26.0

require (
	github.com/pganalyze/pg_query_go/v6 v6.2.5
	github.com/pgturnstile/pgturnstile v0.0.0
)

require google.golang.org/protobuf v1.36.12

replace github.com/pgturnstile/pgturnstile => ../../..
