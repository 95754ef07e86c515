package plan

import (
	"runtime"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

// Arguments that no statement can have are counted and not kept.
func TestArgumentsAreBounded(t *testing.T) {
	const count = 1 << 21
	text := "execute p(1" + strings.Repeat(",1", count-1) + ")"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p := Classify(sqlscan.Split(nil, text, true)[0], Options{StandardConforming: true})
	runtime.ReadMemStats(&after)
	if p.Kind != Execute || p.Execute.Count != count || len(p.Execute.Args) != maxArgs {
		t.Fatalf("%v, %d arguments, %d kept", p.Kind, p.Execute.Count, len(p.Execute.Args))
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
		t.Errorf("%d MB were allocated", took>>20)
	}
	few := Classify(sqlscan.Split(nil, "execute p(1, 2)", true)[0], Options{StandardConforming: true}).Execute
	if few.Count != 2 || len(few.Args) != 2 {
		t.Errorf("%+v", few)
	}
}
