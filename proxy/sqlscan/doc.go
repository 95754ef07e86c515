// Package sqlscan cuts SQL text into tokens and statements as Postgres 15 to 18 do, without a parser: one pass, linear in
// the text whatever it holds, nothing allocated.
//
// It imports nothing of this module. Start with [Scanner], the tokens as scan.l makes them; then [Split], the
// statements as gram.y separates them; then [Ident] and [StringValue], what a token means.
//
// Where the server versions differ the scanner takes the newer reading: 1_000 and 0x1F are numbers and a vertical tab is
// white space, all since 16. An older server refuses such a text, so none means something else there; but for the value
// of E'\v', which is the letter v to it.
package sqlscan
