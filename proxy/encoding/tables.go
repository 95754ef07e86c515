package encoding

import (
	"sync"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// sources are the encodings that are converted. Missing are EUC_TW, JOHAB, EUC_JIS_2004 and SHIFT_JIS_2004, which x/text does
// not have, and MULE_INTERNAL, which a UTF8 server does not convert either.
var sources = map[string]source{
	"LATIN1":     {shape: singleByte, text: charmap.ISO8859_1},
	"LATIN2":     {shape: singleByte, text: charmap.ISO8859_2},
	"LATIN3":     {shape: singleByte, text: charmap.ISO8859_3},
	"LATIN4":     {shape: singleByte, text: charmap.ISO8859_4},
	"LATIN5":     {shape: singleByte, text: charmap.ISO8859_9},
	"LATIN6":     {shape: singleByte, text: charmap.ISO8859_10},
	"LATIN7":     {shape: singleByte, text: charmap.ISO8859_13},
	"LATIN8":     {shape: singleByte, text: charmap.ISO8859_14},
	"LATIN9":     {shape: singleByte, text: charmap.ISO8859_15},
	"LATIN10":    {shape: singleByte, text: charmap.ISO8859_16},
	"ISO_8859_5": {shape: singleByte, text: charmap.ISO8859_5},
	"ISO_8859_6": {shape: singleByte, text: charmap.ISO8859_6},
	"ISO_8859_7": {shape: singleByte, text: charmap.ISO8859_7},
	"ISO_8859_8": {shape: singleByte, text: charmap.ISO8859_8},
	"WIN866":     {shape: singleByte, text: charmap.CodePage866},
	"WIN874":     {shape: singleByte, text: charmap.Windows874},
	"WIN1250":    {shape: singleByte, text: charmap.Windows1250},
	"WIN1251":    {shape: singleByte, text: charmap.Windows1251},
	"WIN1252":    {shape: singleByte, text: charmap.Windows1252},
	"WIN1253":    {shape: singleByte, text: charmap.Windows1253},
	"WIN1254":    {shape: singleByte, text: charmap.Windows1254},
	"WIN1255":    {shape: singleByte, text: charmap.Windows1255},
	"WIN1256":    {shape: singleByte, text: charmap.Windows1256},
	"WIN1257":    {shape: singleByte, text: charmap.Windows1257},
	"WIN1258":    {shape: singleByte, text: charmap.Windows1258},
	"KOI8R":      {shape: singleByte, text: charmap.KOI8R},
	"KOI8U":      {shape: singleByte, text: charmap.KOI8U},
	"EUC_JP":     {shape: eucJP, text: japanese.EUCJP},
	"SJIS":       {shape: shiftJIS, text: japanese.ShiftJIS, lastWins: true},
	"EUC_KR":     {shape: eucKR, text: korean.EUCKR},
	"UHC":        {shape: anyTrail, text: korean.EUCKR},
	"EUC_CN":     {shape: eucCN, text: simplifiedchinese.GBK},
	"GBK":        {shape: anyTrail, text: simplifiedchinese.GBK},
	"GB18030":    {shape: gb18030, text: simplifiedchinese.GB18030},
	"BIG5":       {shape: anyTrail, text: traditionalchinese.Big5},
}

// encodings are all that a server knows, by their canonical names. A table is built when it is first used.
var encodings = func() map[string]*Encoding {
	all := make(map[string]*Encoding, 48)
	for _, name := range aliases {
		if all[name] != nil {
			continue
		}
		e := &Encoding{name: name, plain: name == "UTF8" || name == "SQL_ASCII"}
		if s, ok := sources[name]; ok {
			e.shape = s.shape
			e.table = sync.OnceValue(func() *table { return build(s, exceptions[name], backExceptions[name]) })
		}
		all[name] = e
	}
	return all
}()
