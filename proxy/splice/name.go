package splice

import (
	"strconv"
	"strings"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// FreshName returns base+"_", or base+"_" and a number, such that it is an identifier of none of the texts and occurs in
// none of their strings, whatever their case, their escapes and the setting standard_conforming_strings. base is a
// lower-case ASCII word. Time and memory are linear in the texts, whatever they hold.
func FreshName(base string, avoid ...string) string {
	stem := base + "_"
	seen := 0
	for _, sql := range avoid {
		eachUse(sql, stem, func(int) { seen++ })
	}
	if seen == 0 {
		return stem
	}
	// Of the numbers 1 to seen+1 one is free.
	taken := make([]uint64, seen/64+1)
	for _, sql := range avoid {
		eachUse(sql, stem, func(n int) {
			if n >= 1 && n <= seen {
				taken[(n-1)/64] |= 1 << ((n - 1) % 64)
			}
		})
	}
	n := 1
	for n <= seen && taken[(n-1)/64]&(1<<((n-1)%64)) != 0 {
		n++
	}
	return stem + strconv.Itoa(n)
}

// eachUse calls use for each place where stem stands in sql as it is written and in what its names and strings mean, with
// the number behind it, 0 if there is none. A place may be told of more than once, and need not begin a word.
func eachUse(sql, stem string, use func(n int)) {
	find(sql, stem, use)
	if !mayMeanMore(sql) {
		return
	}
	for _, conforming := range [...]bool{true, false} {
		s := sqlscan.New(sql, conforming)
		for t, ok := s.Next(); ok; t, ok = s.Next() {
			switch t.Kind {
			case sqlscan.UIdent:
				find(sqlscan.Ident(sql, t), stem, use)
			case sqlscan.String:
				value, _ := sqlscan.StringValue(sql, t) // as far as it has one
				find(value, stem, use)
			}
		}
		if !strings.Contains(sql, `\`) {
			break // both readings are the same
		}
	}
}

// mayMeanMore reports whether a name or string of sql can hold characters that do not stand in it side by side: by escapes, or
// by a string that is continued on the next line.
func mayMeanMore(sql string) bool {
	return strings.Contains(sql, `\`) || strings.Contains(sql, `&"`) || strings.Contains(sql, `&'`) ||
		strings.ContainsAny(sql, "\n\r") && strings.Contains(sql, `'`)
}

// find calls use for each place where stem, which ends in its only "_", stands in s.
func find(s, stem string, use func(n int)) {
	for at := strings.IndexByte(s, '_'); at >= 0; {
		behind := at + 1
		if start := behind - len(stem); start >= 0 && strings.EqualFold(s[start:behind], stem) {
			use(number(s[behind:]))
		}
		next := strings.IndexByte(s[behind:], '_')
		if next < 0 {
			return
		}
		at = behind + next
	}
}

// number reads the decimal digits that s begins with. Beyond what a text can hold it stays there.
func number(s string) int {
	n := 0
	for i := 0; i < len(s) && s[i] >= '0' && s[i] <= '9' && n < 1<<40; i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}
