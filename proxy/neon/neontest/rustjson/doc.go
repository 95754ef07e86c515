// Package rustjson reads and writes JSON as the Rust libraries behind Neon's HTTP endpoint do: serde_json without its
// optional features for reading, ryu for floating point. It exists for the stand-in of Neon alone, whose answers must
// agree with Neon's to the letter, so it reproduces what is peculiar there: the texts and positions of errors, numbers
// that lose precision, what a skipped value is not checked for.
//
// It imports the standard library only. Start with [Decoder].
package rustjson
