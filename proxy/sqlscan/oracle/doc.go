// Package oracle holds tests only: it compares sqlscan and plan with Postgres' own scanner and grammar, which
// pg_query_go brings along as C. It is a module of its own so that nothing of that reaches the product.
//
// The inputs are the corpus in ../testdata, the regression tests of Postgres where the Debian source package can be
// had, mutations of both, and what fuzzing finds. The C code overflows its stack on deep nesting and takes quadratic
// time on nested comments, so what it is given is bounded.
//
// Run it with -count=1: the go command does not see that files outside of this module have changed.
package oracle
