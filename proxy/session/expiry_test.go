package session

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgturnstile/pgturnstile/jwks/attacktable"
)

// TestTokenExpires plays the attacks and failures of a token that ends while its session lives.
func TestTokenExpires(t *testing.T) {
	lasts := func(d time.Duration) option {
		return func(o *Options) { o.Identity.ExpiresAt = time.Now().Add(d) }
	}
	ended := func(t *testing.T, e attacktable.Entry, got, detail string) {
		t.Helper()
		want := fmt.Sprintf("E(FATAL %s: terminating connection because the token has expired%s) closed", e.Expect, detail)
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	attacktable.Run(t, "../../jwks/cognito/testdata/attacks-4.2-session.tsv", attacktable.Tests{
		"4.2-expiry-idle": func(t *testing.T, e attacktable.Entry) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, &scripted{}, lasts(10*time.Second))
				ended(t, e, c.cycle(), "")
			})
		},
		"4.2-expiry-query": func(t *testing.T, e attacktable.Entry) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, hanging(make(chan struct{})), lasts(10*time.Second))
				ended(t, e, c.query("select 1"), " (outcome unknown)")
			})
		},
		"4.2-expiry-parse-execute": func(t *testing.T, e attacktable.Entry) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, &scripted{}, lasts(10*time.Second))
				c.send(parse("a", "insert into t values (1)"), bind("", "a"), &pgproto3.Flush{})
				if got := c.until("2"); got != "1 2" {
					t.Fatal(got)
				}
				time.Sleep(11 * time.Second)
				c.send(execute(""), &pgproto3.Sync{})
				ended(t, e, c.cycle(), "")
				if sent := c.up.sent(); len(sent) != 1 || !strings.HasPrefix(sent[0], "describe: ") {
					t.Errorf("sent %v", sent)
				}
			})
		},
	})
}
