package neontest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// shared is the Postgres of all tests of this package, started by the first that needs it.
var shared struct {
	once   sync.Once
	server *postgres.Server
	err    error
	dbs    int
	mu     sync.Mutex
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// testBin is the directory of another installation's binaries, "" for the one that is found.
func testBin() string { return os.Getenv("PGTURNSTILE_TEST_POSTGRES_BIN") }

func testPostgres(t *testing.T) *postgres.Server {
	t.Helper()
	shared.once.Do(func() {
		shared.server, shared.err = postgres.Start(context.Background(), postgres.Options{
			Bin: testBin(),
			Settings: map[string]string{
				"deadlock_timeout": "200ms", "max_connections": "300"}})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// newDatabase makes a database with the recording's schema and returns its name and a superuser's DSN for it.
func newDatabase(t *testing.T, name string) string {
	t.Helper()
	pg := testPostgres(t)
	admin(t, pg.DSN("postgres", postgres.Superuser), fmt.Sprintf("CREATE DATABASE %s", name))
	dsn := pg.DSN(name, postgres.Superuser)
	schema, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	// What makes the auth schema here is Install, not the extension.
	const extension = "CREATE EXTENSION IF NOT EXISTS pg_session_jwt;"
	if strings.Count(string(schema), extension) != 1 {
		t.Fatal("schema.sql does not create the extension once")
	}
	before, after, _ := strings.Cut(string(schema), extension)
	admin(t, dsn, before)
	conn := connect(t, dsn)
	if err := neontest.Install(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	admin(t, dsn, after)
	return dsn
}

func connect(t *testing.T, dsn string) *pgconn.PgConn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// admin runs SQL as the superuser and returns the last result's first value.
func admin(t *testing.T, dsn, sql string) string {
	t.Helper()
	conn := connect(t, dsn)
	defer conn.Close(context.Background())
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if n := len(results); n > 0 && len(results[n-1].Rows) > 0 {
		return string(results[n-1].Rows[0][0])
	}
	return ""
}

// jwksServer serves key sets: /main, /aud, and /down, which fails.
func jwksServer(t *testing.T, keys keyring) *httptest.Server {
	t.Helper()
	server := httptestJWKS(keys)
	t.Cleanup(server.Close)
	return server
}

func httptestJWKS(keys keyring) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/main":
			_, _ = w.Write(keys.set("rsa-1", "rsa-2", "rsa-noalg", "rsa-512", "rsa-enc", "ec-1", "ec-384", "okp-1", "oct-1"))
		case "/aud":
			_, _ = w.Write(keys.set("aud-1"))
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
}

func providers(jwks string) []neontest.Provider {
	return []neontest.Provider{
		{JWKSURL: jwks + "/main", Roles: []string{"authenticated", "anonymous", "ghost"}},
		{JWKSURL: jwks + "/aud", Audience: "my-audience", Roles: []string{"authenticated"}},
	}
}

func newServer(t *testing.T, o neontest.Options) *neontest.Server {
	t.Helper()
	s, err := neontest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func endpointOf(s *neontest.Server) string { return strings.TrimSuffix(s.URL(), "/sql") }
