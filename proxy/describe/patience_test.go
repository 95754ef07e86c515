package describe

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// recorder fails and keeps the first statements that it was asked to run.
type recorder struct{ first []upstream.Statement }

func (r *recorder) Ask(_ context.Context, statements []upstream.Statement, _ upstream.RowSink) error {
	if r.first == nil {
		r.first = statements
	}
	return errors.New("enough")
}

// What is prepared outlives the transaction that prepared it, so no time limit of the session's may strike before it is dropped.
func TestTimeIsNotUpBehindPrepare(t *testing.T) {
	for settings, patient := range map[string]bool{"": false, "8:work_mem=3:1MB;": false, "17:statement_timeout=3:1ms;": true} {
		r := &recorder{}
		q := selecting("INSERT INTO t VALUES ($1)")
		q.Settings = settings
		if _, err := newDescriber(Options{}).Describe(t.Context(), r, q); err == nil {
			t.Error("described")
		}
		if got := strings.Contains(r.first[0].SQL, "set_config(name, GREATEST("); got != patient {
			t.Errorf("%q: it begins with %s", settings, r.first[0].SQL)
		}
		if !strings.HasPrefix(r.first[len(r.first)-3].SQL, "PREPARE ") || !strings.HasPrefix(r.first[len(r.first)-1].SQL, "DEALLOCATE ") {
			t.Errorf("%q: %v", settings, r.first)
		}
	}
}
