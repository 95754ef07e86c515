// Package attacktable holds lists of attacks to their tests: a table file names every attack with its expected answer, a test runs
// the table by id, and [Check] finds the entries that no test has.
//
// It is for tests and imports nothing of this module. Start with [Run]; cmd/attacktable prints what is missing in the whole
// repository.
package attacktable
