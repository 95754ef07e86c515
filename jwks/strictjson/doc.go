// Package strictjson reads JSON that has one meaning for every reader: valid UTF-8, no duplicate names, no names that differ by
// case alone, no escapes in names, no lone surrogates, no NUL, numbers within a float64, bounded depth and size. What two
// parsers could read differently is an error here.
//
// It imports nothing of this module. Start with [Object].
package strictjson
