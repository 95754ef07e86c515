package plan

import "github.com/pgturnstile/pgturnstile/proxy/sqlscan"

// pureCalls are the everyday functions of pg_catalog that only compute, and the words of the grammar before which a
// parenthesis opens no call of anything else. Postgres looks in pg_catalog first, so without a schema's name these are meant. What is missing here costs a
// pipeline that goes on after Flush, nothing else.
var pureCalls = map[string]bool{
	"filter": true, "materialized": true, "over": true, "sets": true,
	"between": true, "bit": true, "char": true, "character": true, "coalesce": true, "cube": true, "dec": true, "decimal": true,
	"exists": true, "extract": true, "float": true, "greatest": true, "grouping": true, "interval": true, "least": true, "nullif": true,
	"numeric": true, "overlay": true, "position": true, "precision": true, "rollup": true, "row": true, "substring": true, "time": true,
	"timestamp": true, "trim": true, "values": true, "varchar": true, "varying": true, "xmlelement": true, "xmlforest": true,

	"array_agg": true, "avg": true, "bool_and": true, "bool_or": true, "count": true, "every": true, "json_agg": true,
	"json_object_agg": true, "jsonb_agg": true, "jsonb_object_agg": true, "max": true, "min": true, "string_agg": true, "sum": true,
	"dense_rank": true, "first_value": true, "lag": true, "last_value": true, "lead": true, "ntile": true, "rank": true,
	"row_number": true,

	"abs": true, "ceil": true, "ceiling": true, "floor": true, "mod": true, "power": true, "random": true, "round": true,
	"sign": true, "sqrt": true, "trunc": true,
	"btrim": true, "char_length": true, "chr": true, "concat": true, "concat_ws": true, "decode": true, "encode": true,
	"format": true, "initcap": true, "left": true, "length": true, "lower": true, "lpad": true, "ltrim": true, "md5": true,
	"octet_length": true, "quote_ident": true, "quote_literal": true, "regexp_replace": true, "repeat": true, "replace": true,
	"reverse": true, "right": true, "rpad": true, "rtrim": true, "split_part": true, "starts_with": true, "strpos": true,
	"substr": true, "to_char": true, "to_date": true, "to_number": true, "to_timestamp": true, "upper": true,
	"age": true, "clock_timestamp": true, "date_part": true, "date_trunc": true, "make_date": true, "now": true,
	"array_length": true, "array_to_string": true, "cardinality": true, "generate_series": true, "string_to_array": true,
	"unnest":  true,
	"to_json": true, "to_jsonb": true, "row_to_json": true, "json_build_object": true, "jsonb_build_object": true,
	"jsonb_array_elements": true, "current_database": true, "gen_random_uuid": true, "pg_typeof": true, "version": true,
}

// longestPureCall is the length of the longest of them.
const longestPureCall = len("jsonb_array_elements")

// pureCall reports whether the identifier t before a parenthesis makes no call, or one of pureCalls.
func pureCall(sql string, t sqlscan.Token) bool {
	if t.Kind != sqlscan.Word {
		return pureCalls[sqlscan.Ident(sql, t)]
	}
	if !sqlscan.IsNonReserved(sql, t) {
		return true // IN (, FROM (, CAST (: an operator, a clause or an expression of the grammar
	}
	if t.End-t.Start > longestPureCall {
		return false
	}
	var buf [longestPureCall]byte
	return pureCalls[string(folded(buf[:0], t.Text(sql)))]
}

// folded appends s to dst with its ASCII letters small.
func folded(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
