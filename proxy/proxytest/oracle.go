package proxytest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed oracle.sql
var oracleSQL string

// Oracle is a database of a real Postgres that clients reach directly, as role authenticated.
type Oracle struct {
	config *pgconn.Config // of the superuser, in the database
}

// NewOracle makes a database of that name as a copy of the one that adminDSN connects a superuser to. Nobody else may be
// connected there meanwhile.
func NewOracle(ctx context.Context, adminDSN, name string) (*Oracle, error) {
	config, err := pgconn.ParseConfig(adminDSN)
	if err != nil {
		return nil, fmt.Errorf("proxytest: %w", err)
	}
	template := config.Database
	config.Database = "postgres"
	// The names come from the tests: they need no quoting.
	if err := execute(ctx, config, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return nil, err
	}
	config = config.Copy()
	config.Database = name
	if err := execute(ctx, config, oracleSQL); err != nil {
		return nil, err
	}
	return &Oracle{config: config}, nil
}

// Target connects directly, with auth.user_id() being sub.
func (o *Oracle) Target(sub string) Target {
	return Target{
		Dial: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", net.JoinHostPort(o.config.Host, strconv.Itoa(int(o.config.Port))))
		},
		User: "authenticated", Database: o.config.Database,
		Startup: []Parameter{{"proxytest.sub", sub}},
	}
}

// Env is the environment that makes libpq connect directly as sub.
func (o *Oracle) Env(sub string) []string {
	return []string{"PGHOST=" + o.config.Host, "PGPORT=" + strconv.Itoa(int(o.config.Port)), "PGUSER=authenticated",
		"PGDATABASE=" + o.config.Database, "PGSSLMODE=disable", "PGOPTIONS=-c proxytest.sub=" + sub}
}

// freshSchema leaves an empty schema w, in which role authenticated may do everything.
const freshSchema = `SET client_min_messages = error;
DROP SCHEMA IF EXISTS w CASCADE;
CREATE SCHEMA w;
GRANT USAGE, CREATE ON SCHEMA w TO authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA w GRANT ALL ON TABLES TO authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA w GRANT ALL ON SEQUENCES TO authenticated;
SET search_path = w;`

// RunAt prepares the database that config connects a superuser to, plays the script to t, which must lead to the same
// database, and cleans up.
func (s *Script) RunAt(ctx context.Context, config *pgconn.Config, t Target) ([]Result, error) {
	if err := execute(ctx, config, freshSchema+strings.Join(s.Admin, ";")); err != nil {
		return nil, err
	}
	results, err := Run(ctx, t, s)
	return results, errors.Join(err, execute(ctx, config, strings.Join(s.After, ";")))
}

func execute(ctx context.Context, config *pgconn.Config, sql string) error {
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("proxytest: %w", err)
	}
	_, err = conn.Exec(ctx, sql).ReadAll()
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("proxytest: %w", err)
	}
	return nil
}
