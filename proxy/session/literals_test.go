package session

import "testing"

func TestKindOf(t *testing.T) {
	for literal, want := range map[string]literalKind{
		"active":                    0,
		"v2":                        0,
		"2024-07-04":                literalZone,
		"2024-07-04 00:00:00+00":    0,
		"2024-07-04T00:00:00Z":      0,
		"2024-07-04 00:00:00-03:30": literalZone, // its offset is not recognised: refused rather than wrong
		"2024-07-04 00:00:00+03:30": 0,
		"2024-07-04 10:00":          literalZone,
		"1/2/2003":                  literalDate | literalZone,
		"01.02.2003 10:00":          literalDate | literalZone,
		"1 day 02:00:00":            0,
		"-1 day 02:00":              literalInterval,
		"-1 02:00:00":               literalDate | literalInterval | literalZone,
	} {
		if got := kindOf(literal); got != want {
			t.Errorf("%s: %03b, want %03b", literal, got, want)
		}
	}
}
