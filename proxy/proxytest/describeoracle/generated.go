package describeoracle

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed generated.sql
var generatedSQL string

// generatedTopic is the topic of statements that were made and not written. They count in a row of their own.
const generatedTopic = "(made)"

// Generated returns statements over everything in the server's catalogs: each type, cast, operator, function and aggregate, with
// and without parameters. They add breadth to the corpus.
func Generated(ctx context.Context, sides Sides) ([]Statement, error) {
	conn, err := pgconn.ConnectConfig(ctx, sides.Real)
	if err != nil {
		return nil, fmt.Errorf("describeoracle: %w", err)
	}
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, generatedSQL).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("describeoracle: generated.sql: %w", err)
	}
	var list []Statement
	for _, result := range results {
		for _, row := range result.Rows {
			list = append(list, Statement{Topic: generatedTopic, Line: len(list) + 1, Text: string(row[0])})
		}
	}
	return list, nil
}
