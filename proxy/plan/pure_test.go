package plan

import "testing"

func TestReadOnlyMatters(t *testing.T) {
	for sql, want := range map[string]bool{
		"select 1": false,
		"select * from t where a in (1, 2) and not (b) or exists (select 1)": false,
		"values (1), (2)": false,
		"with a(x) as materialized (select 1) select COUNT(*) over (order by x)":    true, // a(x) might be a call as well
		"select Count(*) filter (where a), coalesce(lower(b), ''), x::numeric(3,1)": false,
		"select row_number() over (partition by a), left(b, 1) from t":              false,
		"select quiet_add('x')":   true,
		`select "Now"()`:          true,
		`select "now"()`:          false,
		"select app.now()":        true,
		`select "app" . "now" ()`: true,
		"select a_function_with_a_name_that_is_longer_than_any()": true,
		"select * from t, lateral f(t.a)":                         true,
		"select current_setting('transaction_read_only')":         true,
		"show transaction_read_only":                              true,
		"table t":                                                 false,
	} {
		if p := classify(sql); p.ReadOnlyMatters != want || !p.ReadOnlyShape {
			t.Errorf("%s: %+v", sql, p)
		}
	}
}
