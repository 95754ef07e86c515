package oracle

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

func tokens(sql string) []sqlscan.Token {
	s := sqlscan.New(sql, true)
	var all []sqlscan.Token
	for {
		t, ok := s.Next()
		if !ok {
			return all
		}
		all = append(all, t)
	}
}

// lexicalErrors are the parts of Postgres' messages for which our scanner has a Bad token. Its other lexical errors are
// about a token's value, which the scanner does not look at.
var lexicalErrors = []string{"unterminated", "trailing junk", "zero-length delimited", "operator too long",
	"invalid hexadecimal integer", "invalid octal integer", "invalid binary integer"}

// commentedContinuation finds a string that goes on behind a -- comment.
var commentedContinuation = regexp.MustCompile(`'\s*--[^\r\n]*[\r\n][^']*'`)

// beyondOracle reports whether sql holds one of the two things that pg_query scans otherwise than Postgres does: letters
// right behind a parameter, which Postgres refuses since 15 ("trailing junk after parameter"), and a string that goes on
// in the next line behind a comment, since pg_query makes tokens of comments. sqlscan's own tests have both.
func beyondOracle(sql string) bool {
	for _, t := range tokens(sql) {
		text := t.Text(sql)
		switch {
		case t.Kind == sqlscan.Bad && len(text) > 1 && text[0] == '$' && text[1] >= '0' && text[1] <= '9':
			return true
		case t.Kind == sqlscan.String || t.Kind == sqlscan.Bad:
			if commentedContinuation.MatchString(text) {
				return true
			}
		}
	}
	return false
}

// compareTokens says how our tokens differ from those of Postgres; nil if they agree.
func compareTokens(sql string) error {
	if beyondOracle(sql) {
		return nil
	}
	ours := tokens(sql)
	bad := false
	for _, t := range ours {
		bad = bad || t.Kind == sqlscan.Bad
	}
	result, err := pg_query.Scan(sql)
	if err != nil {
		for _, m := range lexicalErrors {
			if strings.Contains(err.Error(), m) && !bad {
				return fmt.Errorf("no Bad token, but Postgres says: %w", err)
			}
		}
		return nil
	}
	if bad {
		return fmt.Errorf("a Bad token among %v, but Postgres finds nothing wrong", ours)
	}
	i := 0
	national := -1 // start of an N that Postgres counts as a token before its string
	for _, t := range result.Tokens {
		start, end := int(t.Start), int(t.End)
		switch t.Token {
		case pg_query.Token_SQL_COMMENT, pg_query.Token_C_COMMENT:
			continue
		case pg_query.Token_NCHAR:
			if end == start+1 {
				national = start
				continue
			}
		}
		if national >= 0 {
			start, national = national, -1
		}
		if i == len(ours) {
			return fmt.Errorf("token %v at %d is missing", t.Token, start)
		}
		o := ours[i]
		i++
		if o.Start != start || o.End != end {
			return fmt.Errorf("token %d is %d to %d %q, Postgres has %d to %d %v", i, o.Start, o.End, o.Text(sql), start, end, t.Token)
		}
		if want := kindOf(t, sql[start]); o.Kind != want {
			return fmt.Errorf("token %d %q is of kind %d, want %d (%v)", i, o.Text(sql), o.Kind, want, t.Token)
		}
	}
	if i != len(ours) {
		return fmt.Errorf("%d tokens too many, from %q on", len(ours)-i, ours[i].Text(sql))
	}
	return nil
}

func kindOf(t *pg_query.ScanToken, first byte) sqlscan.Kind {
	switch t.Token {
	case pg_query.Token_SCONST, pg_query.Token_USCONST, pg_query.Token_BCONST, pg_query.Token_XCONST:
		return sqlscan.String
	case pg_query.Token_ICONST, pg_query.Token_FCONST:
		return sqlscan.Number
	case pg_query.Token_PARAM:
		return sqlscan.Param
	case pg_query.Token_UIDENT:
		return sqlscan.UIdent
	case pg_query.Token_IDENT:
		if first == '"' {
			return sqlscan.QuotedIdent
		}
		return sqlscan.Word
	case pg_query.Token_TYPECAST, pg_query.Token_DOT_DOT, pg_query.Token_COLON_EQUALS:
		return sqlscan.Punct
	case pg_query.Token_Op, pg_query.Token_EQUALS_GREATER, pg_query.Token_LESS_EQUALS, pg_query.Token_GREATER_EQUALS,
		pg_query.Token_NOT_EQUALS:
		return sqlscan.Operator
	}
	if t.KeywordKind != pg_query.KeywordKind_NO_KEYWORD {
		return sqlscan.Word
	}
	if strings.IndexByte("+-*/<>=%^", first) >= 0 {
		return sqlscan.Operator
	}
	return sqlscan.Punct
}

// compareSplit says how our statements differ from those of Postgres' grammar; nil if they agree or the text is no
// valid SQL. valid says which.
func compareSplit(sql string) (valid bool, err error) {
	tree, err := pg_query.Parse(sql)
	if err != nil || beyondOracle(sql) {
		return false, nil
	}
	ours := sqlscan.Split(nil, sql, true)
	if len(ours) != len(tree.Stmts) {
		return true, fmt.Errorf("%d statements, Postgres has %d", len(ours), len(tree.Stmts))
	}
	for i, s := range tree.Stmts {
		o := ours[i]
		start, end := int(s.StmtLocation), int(s.StmtLocation+s.StmtLen)
		if s.StmtLen == 0 {
			end = len(sql)
		}
		theirs := strings.TrimRight(sql[start:end], " \t\r\n\f\v")
		if !strings.Contains(o.Text, strings.TrimLeft(theirs, " \t\r\n\f\v")) || o.Unbalanced || o.Bad {
			return true, fmt.Errorf("statement %d is %q, Postgres has %q", i, o.Text, theirs)
		}
		if o.Text != sql[o.Start:o.Start+len(o.Text)] || o.CharStart != len([]rune(sql[:o.Start])) {
			return true, fmt.Errorf("statement %d is said to start at byte %d, character %d", i, o.Start, o.CharStart)
		}
	}
	return true, nil
}

func TestScanCorpus(t *testing.T) {
	for _, sql := range corpus(t) {
		if err := compareTokens(sql); err != nil {
			t.Errorf("%q: %v", sql, err)
		}
		if _, err := compareSplit(sql); err != nil {
			t.Errorf("%q: %v", sql, err)
		}
	}
}

// TestScanRegression compares every statement of the regression tests on its own, then each file's valid statements as
// one text.
func TestScanRegression(t *testing.T) {
	statements, invalid := 0, 0
	for name, text := range regression(t) {
		if err := compareTokens(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		all := sqlscan.Split(nil, text, true)
		var joined strings.Builder
		for i, s := range all {
			if len(s.Text) > 64<<10 {
				continue
			}
			statements++
			if err := compareTokens(s.Text); err != nil {
				t.Errorf("%s: %q: %v", name, s.Text, err)
			}
			valid, err := compareSplit(s.Text)
			if err != nil {
				t.Errorf("%s: %q: %v", name, s.Text, err)
			}
			if valid {
				joined.WriteString(s.Text)
				continue
			}
			invalid++
			if i+1 < len(all) {
				if whole, _ := compareSplit(s.Text + all[i+1].Text); whole {
					t.Errorf("%s: %q and %q are valid together only", name, s.Text, all[i+1].Text)
				}
			}
		}
		if valid, err := compareSplit(joined.String()); err != nil || !valid {
			t.Errorf("%s: its valid statements together: valid %v, %v", name, valid, err)
		}
	}
	t.Logf("%d statements, %d of them no valid SQL", statements, invalid)
}
