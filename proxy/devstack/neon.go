package devstack

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgturnstile/pgturnstile/proxy/devstack/postgres"
	"github.com/pgturnstile/pgturnstile/proxy/neon/neontest"
)

// neonLimit is Neon's limit for a request and a reply by its documentation, in bytes.
const neonLimit = 64 << 20

// startNeon makes the database with the example and starts Neon's stand-in over it.
func (s *Stack) startNeon(ctx context.Context, o Options) error {
	if err := s.prepareDatabase(ctx, o); err != nil {
		return fmt.Errorf("devstack: prepare the database: %w", err)
	}
	options := neontest.Options{
		DSN:        s.AdminDSN(),
		Providers:  []neontest.Provider{{JWKSURL: s.issuer.JWKSURL(), Roles: []string{Role, AnonymousRole}}},
		MaxRequest: neonLimit, MaxResponse: neonLimit,
	}
	if o.Neon != nil {
		o.Neon(&options)
	}
	var err error
	if s.neon, err = neontest.New(options); err != nil {
		return fmt.Errorf("devstack: %w", err)
	}
	return nil
}

func (s *Stack) prepareDatabase(ctx context.Context, o Options) error {
	cluster, err := pgconn.Connect(ctx, s.DSN("postgres", postgres.Superuser))
	if err != nil {
		return err
	}
	defer cluster.Close(ctx)
	for _, sql := range []string{rolesSQL, "CREATE DATABASE " + Database} { // the latter runs in no block
		if err := cluster.Exec(ctx, sql).Close(); err != nil {
			return err
		}
	}
	database, err := pgconn.Connect(ctx, s.AdminDSN())
	if err != nil {
		return err
	}
	defer database.Close(ctx)
	if err := neontest.Install(ctx, database); err != nil {
		return err
	}
	example := guideSQL
	if o.Empty {
		example = ""
	}
	for _, sql := range []string{example, o.Setup} {
		if err := database.Exec(ctx, sql).Close(); err != nil {
			return err
		}
	}
	return nil
}
