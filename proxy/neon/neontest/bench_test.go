package neontest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// BenchmarkRequest is one statement of one user, again and again on one connection.
func BenchmarkRequest(b *testing.B) {
	keys, err := newKeys()
	if err != nil {
		b.Fatal(err)
	}
	pg, err := postgres.Start(b.Context(), postgres.Options{Bin: testBin()})
	if err != nil {
		b.Fatal(err)
	}
	defer pg.Stop()
	jwks := httptestJWKS(keys)
	defer jwks.Close()
	server, err := neontest.New(neontest.Options{DSN: pg.DSN("postgres", postgres.Superuser), Providers: []neontest.Provider{{JWKSURL: jwks.URL + "/main", Roles: []string{"visitor"}}}})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	authorization, _, err := keys.mint(tokenSpec{Claims: []byte(`{"sub":"alice"}`)}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	conn, err := pgconn.Connect(b.Context(), pg.DSN("postgres", postgres.Superuser))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	if err := conn.Exec(b.Context(), "CREATE ROLE visitor LOGIN").Close(); err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct{ name, body string }{
		{"select", `{"query":"select 1"}`},
		{"user_id", `{"query":"select auth.user_id()"}`},
		{"batch", `{"queries":[{"query":"select 1"}]}`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL(), strings.NewReader(bench.body))
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("Authorization", authorization)
				req.Header.Set("Neon-Connection-String", "postgresql://visitor@ep-1.example.com/postgres")
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				text, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Fatalf("%d %s %v", resp.StatusCode, text, err)
				}
			}
		})
	}
}
