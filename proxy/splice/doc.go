// Package splice cuts a statement's text: edits by byte offset, the way back from an error position in the edited text
// to the original, and names that the text does not use. It is the only place where text is cut; nothing is ever
// written anew from its meaning.
//
// It imports sqlscan alone. Start with [Apply], then [Text.Back].
package splice
