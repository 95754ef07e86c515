package describeoracle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack"
)

// Stack is the whole proxy over a Postgres whose database has the corpus' schema.
type Stack struct {
	*devstack.Stack
	Sides Sides
	// Release is the server's version as it says it, such as "15.18".
	Release string
}

// StartStack starts a stack on the Postgres binaries of that directory; "" finds the installed ones. Its owner closes it.
func StartStack(ctx context.Context, bin string) (*Stack, error) { return startStack(ctx, bin, true) }

// StartEmptyStack is StartStack with an empty database, for [Regression].
func StartEmptyStack(ctx context.Context, bin string) (*Stack, error) {
	return startStack(ctx, bin, false)
}

func startStack(ctx context.Context, bin string, schema bool) (_ *Stack, err error) {
	up, err := devstack.Start(ctx, devstack.Options{
		PostgresBin: bin, Empty: !schema, Postgres: map[string]string{"max_connections": "60"},
	})
	if err != nil {
		return nil, err
	}
	s := &Stack{Stack: up}
	defer func() {
		if err != nil {
			err = errors.Join(err, up.Close())
		}
	}()
	admin, err := pgconn.Connect(ctx, up.AdminDSN())
	if err != nil {
		return nil, fmt.Errorf("describeoracle: %w", err)
	}
	defer admin.Close(ctx)
	release, _, _ := strings.Cut(admin.ParameterStatus("server_version"), " ")
	major, _, _ := strings.Cut(release, ".")
	s.Release = release
	if s.Sides.Version, err = strconv.Atoi(major); err != nil {
		return nil, fmt.Errorf("describeoracle: the server's version is %q", release)
	}
	if schema {
		if err := createSchema(ctx, admin, s.Sides.Version); err != nil {
			return nil, err
		}
	}
	if s.Sides.Real, err = pgconn.ParseConfig(up.DSN(devstack.Database, devstack.Role)); err != nil {
		return nil, fmt.Errorf("describeoracle: %w", err)
	}
	token, err := up.Mint(devstack.TokenRequest{User: "alice", Expires: devstack.MaxExpires})
	if err != nil {
		return nil, err
	}
	host, port := up.HostPort()
	s.Sides.Proxy, err = pgconn.ParseConfig(fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable",
		host, port, devstack.Role, devstack.Database))
	if err != nil {
		return nil, fmt.Errorf("describeoracle: %w", err)
	}
	s.Sides.Proxy.Password = token
	return s, nil
}

// createSchema runs testdata/schema/*.sql; a file such as 17.sql is for that version and later ones.
func createSchema(ctx context.Context, admin *pgconn.PgConn, version int) error {
	names, err := fs.Glob(testdata, "testdata/schema/*.sql")
	if err != nil {
		return fmt.Errorf("describeoracle: BUG: %w", err)
	}
	for _, name := range names {
		first, err := strconv.Atoi(strings.TrimSuffix(path.Base(name), ".sql"))
		if err != nil {
			return fmt.Errorf("describeoracle: %s: no version: %w", name, err)
		}
		if version < first {
			continue
		}
		text, err := testdata.ReadFile(name)
		if err != nil {
			return fmt.Errorf("describeoracle: %w", err)
		}
		if _, err := admin.Exec(ctx, string(text)).ReadAll(); err != nil {
			return fmt.Errorf("describeoracle: %s: %w", name, err)
		}
	}
	return nil
}
