package proxytest

import "testing"

// TestExtendedRequests counts what the usual forms of the extended protocol cost upstream: one request for a description, one for
// an execution.
func TestExtendedRequests(t *testing.T) {
	s := startStack(t)
	s.fresh(t, freshSchema+"create table t (id int primary key, v text)")
	e := &extendedSide{name: "proxy", target: s.target(t, "alice")}
	var err error
	if e.c, err = e.target.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer e.c.nc.Close()
	if err := e.target.login(e.c, &Script{Major: 3}); err != nil {
		t.Fatal(err)
	}
	// The names of types are read once for all.
	e.send(t, "= types\nParse \"\" \"select $1\" (23)\nBind \"\" \"\" params (\"1\")\nExecute \"\"\nSync\nawait Z\n")
	for _, tc := range []struct {
		form, text string
		requests   int
	}{
		{"P B D E S", "Parse \"\" \"select id, v from w.t where id = $1\"\nBind \"\" \"\" params (\"1\")\nDescribe P \"\"\nExecute \"\"\nSync\nawait Z\n", 1},
		{"P B D E S, types declared", "Parse \"\" \"select v from w.t where id = $1\" (23)\nBind \"\" \"\" params (\"1\")\nDescribe P \"\"\nExecute \"\"\nSync\nawait Z\n", 1},
		{"P B D E S of a write", "Parse \"\" \"insert into w.t values ($1, $2)\"\nBind \"\" \"\" params (\"1\" \"a\")\nDescribe P \"\"\nExecute \"\"\nSync\nawait Z\n", 1},
		{"P B E S of a write that returns rows", "Parse \"\" \"update w.t set v = $1 returning *\"\nBind \"\" \"\" params (\"b\")\nExecute \"\"\nSync\nawait Z\n", 1},
		{"P D S", "Parse \"a\" \"select id from w.t where v = $1\"\nDescribe S \"a\"\nSync\nawait Z\n", 1},
		{"then B E S", "Bind \"\" \"a\" params (\"b\")\nExecute \"\"\nSync\nawait Z\n", 1},
		{"P D Flush", "Parse \"b\" \"select v from w.t where v = $1\"\nDescribe S \"b\"\nFlush\nawait T\n", 1},
		{"then B E S", "Bind \"\" \"b\" params (\"b\")\nExecute \"\"\nSync\nawait Z\n", 1},
		{"P S", "Parse \"c\" \"select count(*) from w.t where id > $1\"\nSync\nawait Z\n", 1},
		{"then B D E S", "Bind \"\" \"c\" params (\"0\")\nDescribe P \"\"\nExecute \"\"\nSync\nawait Z\n", 1},
		{"P B E P B E S", "Parse \"\" \"delete from w.t where id = $1\"\nBind \"\" \"\" params (\"7\")\nExecute \"\"\nParse \"\" \"select 1\"\nBind \"\" \"\"\nExecute \"\"\nSync\nawait Z\n", 1},
		{"Close and Sync", "Close S \"c\"\nSync\nawait Z\n", 0},
		{"B without its statement", "Bind \"\" \"c\"\nExecute \"\"\nSync\nawait Z\n", 0},
		{"what is described already", "Parse \"c\" \"select id from w.t where v = $1\"\nDescribe S \"c\"\nSync\nawait Z\n", 0},
	} {
		before := s.Neon().Requests()
		e.send(t, "= form\n"+tc.text)
		if got := s.Neon().Requests() - before; got != tc.requests {
			t.Errorf("%s: %d requests instead of %d", tc.form, got, tc.requests)
		}
	}
}
