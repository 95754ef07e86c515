package catalog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgturnstile/pgturnstile/proxy/upstream"
)

// typeServer answers typesSQL: all OIDs from 16384 to 19999 are types but for the odd ones, 17000 is a domain over 17002, that one over 23;
// 16, 23 and 25 are its own.
type typeServer struct {
	wait time.Duration

	mu    sync.Mutex
	asked []string // OIDs and whether the own ones were wanted, of each request
	fail  error    // what the next request ends with
	name  string   // of the user's types
}

func (s *typeServer) Ask(ctx context.Context, statements []upstream.Statement, sink upstream.RowSink) error {
	s.mu.Lock()
	oids, own := string(statements[0].Params[0]), string(statements[0].Params[1]) == "true"
	s.asked = append(s.asked, fmt.Sprintf("%s %v", oids, own))
	fail, name := s.fail, s.name
	s.fail = nil
	s.mu.Unlock()
	select {
	case <-time.After(s.wait):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if fail != nil {
		return fail
	}
	rows := make(map[int][]string)
	add := func(oid int) {
		switch {
		case oid == 17000 || oid == 17002:
			base := map[int]string{17000: "17002", 17002: "23"}[oid]
			rows[oid] = []string{strconv.Itoa(oid), "public.d" + strconv.Itoa(oid), base, "d", "4", "0", "t"}
			rows[17002] = []string{"17002", "public.d17002", "23", "d", "4", "0", "t"}
			rows[23] = []string{"23", "pg_catalog.int4", "0", "b", "4", "0", "t"}
		case oid == 16 || oid == 23 || oid == 25:
			rows[oid] = []string{strconv.Itoa(oid), "pg_catalog.t" + strconv.Itoa(oid), "0", "b", "4", "0", "t"}
		case oid >= 16384 && oid < 20000 && oid%2 == 0:
			rows[oid] = []string{strconv.Itoa(oid), name + ".t" + strconv.Itoa(oid), "0", "e", "4", "0", "f"}
		}
	}
	for o := range strings.SplitSeq(strings.Trim(oids, "{}"), ",") {
		oid, err := strconv.Atoi(o)
		if err != nil {
			return err
		}
		add(oid)
	}
	if own {
		add(16)
		add(23)
		add(25)
	}
	if err := sink.Fields(0, make([]upstream.Field, 7)); err != nil {
		return err
	}
	for _, row := range rows {
		b := binary.BigEndian.AppendUint16(sink.NextRow(), uint16(len(row)))
		for _, v := range row {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		}
		if err := sink.EndRow(b); err != nil {
			return err
		}
	}
	return sink.Complete(0, upstream.Completion{Command: "SELECT"})
}

// requests are those since the last call.
func (s *typeServer) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func get(t *testing.T, types *Types, s *typeServer, oids ...uint32) map[uint32]Type {
	t.Helper()
	got, err := types.Get(t.Context(), s, oids)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func expect(t *testing.T, s *typeServer, want ...string) {
	t.Helper()
	if got := s.requests(); strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func TestTypesAreAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &typeServer{name: "a"}
		types := NewTypes(time.Minute, 100)
		get(t, types, s, 0)
		expect(t, s)
		got := get(t, types, s, 16400, 0, 16401, 16400, 23)
		if len(got) != 2 || got[16400] != (Type{OID: 16400, Name: "a.t16400", Base: 16400, Kind: 'e', Size: 4}) || got[23].Base != 23 || !got[23].Usable {
			t.Errorf("%v", got)
		}
		expect(t, s, "{16400,16401,23} true")
		get(t, types, s, 16400, 23, 25, 16)
		expect(t, s)
		get(t, types, s, 16402, 16401, 23, 24)
		expect(t, s, "{16402,16401,24} false")
		if got := get(t, types, s, 17000); got[17000].Base != 23 || len(got) != 1 {
			t.Errorf("a domain over a domain: %v", got)
		}
		expect(t, s, "{17000} false")
		if got := get(t, types, s, 17002); got[17002].Base != 23 {
			t.Errorf("a domain: %v", got)
		}
		expect(t, s) // it came along
		time.Sleep(time.Minute)
		s.name = "b"
		if got := get(t, types, s, 16400, 25); got[16400].Name != "b.t16400" {
			t.Errorf("after the TTL: %v", got)
		}
		expect(t, s, "{16400} false")
	})
}

func TestTypesAreForgotten(t *testing.T) {
	s := &typeServer{name: "a"}
	types := NewTypes(time.Minute, 100)
	get(t, types, s, 16400, 16402, 23)
	s.requests()
	s.name = "b"
	types.Forget(16400, 16, 99)
	if got := get(t, types, s, 16400, 16402, 16); got[16400].Name != "b.t16400" || got[16402].Name != "a.t16402" || got[16].OID != 16 {
		t.Errorf("%v", got)
	}
	expect(t, s, "{16400,16} false")
	types.Forget()
	if got := get(t, types, s, 16402, 25); got[16402].Name != "b.t16402" {
		t.Errorf("%v", got)
	}
	expect(t, s, "{16402,25} true")
}

func TestTypesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &typeServer{}
		types := NewTypes(time.Minute, 10)
		for oid := uint32(16384); oid < 16600; oid += 2 {
			get(t, types, s, oid, oid+2)
			if len(types.others) > 10 {
				t.Fatalf("%d types are kept", len(types.others))
			}
		}
		time.Sleep(time.Minute)
		get(t, types, s, 17100)
		if len(types.others) != 1 {
			t.Errorf("%d types are kept after the TTL", len(types.others))
		}
		none := NewTypes(time.Minute, 0)
		if got := get(t, none, s, 17100); len(got) != 1 || len(none.others) != 0 {
			t.Errorf("%v, kept %v", got, none.others)
		}
	})
}

func TestTypesOfManyCallersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &typeServer{wait: time.Second, name: "a"}
		types := NewTypes(time.Hour, 100)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				want := []uint32{16400, 23}
				if i%2 == 1 {
					want = []uint32{25, 16400, 23, 16404}
				}
				if got, err := types.Get(t.Context(), s, want); err != nil || len(got) != len(want) {
					t.Errorf("%v %v", got, err)
				}
			})
		}
		wg.Wait()
		oids := make(map[string]int)
		for _, r := range s.requests() {
			list, _, _ := strings.Cut(r, " ")
			for o := range strings.SplitSeq(strings.Trim(list, "{}"), ",") {
				oids[o]++
			}
		}
		for o, n := range oids {
			if n != 1 {
				t.Errorf("%s was asked for %d times", o, n)
			}
		}
	})
}

func TestAFailedAskIsTheCallersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		s := &typeServer{wait: time.Second, fail: refused}
		types := NewTypes(time.Minute, 100)
		first := make(chan error)
		go func() {
			_, err := types.Get(t.Context(), s, []uint32{16400})
			first <- err
		}()
		synctest.Wait()
		hurried, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("in a hurry"))
		defer cancel()
		if _, err := types.Get(hurried, s, []uint32{16400}); err == nil || err.Error() != "in a hurry" {
			t.Errorf("one that does not wait: %v", err)
		}
		if got := get(t, types, s, 16400); len(got) != 1 {
			t.Errorf("another caller: %v", got)
		}
		if err := <-first; err != refused {
			t.Errorf("the first caller: %v", err)
		}
		expect(t, s, "{16400} true", "{16400} true")
	})
}

func TestAnAnswerFromBeforeForgetIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &typeServer{wait: time.Second, name: "a"}
		types := NewTypes(time.Minute, 100)
		first := make(chan map[uint32]Type)
		go func() { first <- get(t, types, s, 16400) }()
		synctest.Wait()
		types.Forget(16400)
		s.name = "b"
		if got := get(t, types, s, 16400); got[16400].Name != "b.t16400" {
			t.Errorf("after Forget: %v", got)
		}
		if got := <-first; got[16400].Name != "a.t16400" {
			t.Errorf("before Forget: %v", got)
		}
	})
}

func TestTypesSurviveAPanic(t *testing.T) {
	types := NewTypes(time.Minute, 100)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		types.Get(t.Context(), nil, []uint32{16400})
	}()
	if got := get(t, types, &typeServer{}, 16400); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// FuzzRows: no row that a server can send breaks what reads it.
func FuzzRows(f *testing.F) {
	f.Add([]byte{0, 2, 0, 0, 0, 1, 'a', 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0, 7, 0, 0, 0, 1, '1', 0, 0, 0, 1, 'n', 0, 0, 0, 1, '1', 0, 0, 0, 1, 'd', 0, 0, 0, 1, '4', 0, 0, 0, 1, '0', 0, 0, 0, 1, 't'})
	f.Fuzz(func(t *testing.T, body []byte) {
		types := typeRows{types: make(map[uint32]Type)}
		if types.EndRow(body) == nil {
			for typ := range maps.Values(types.types) {
				types.base(typ) // also of a domain over itself
			}
		}
		var settings pairs
		if settings.EndRow(body) == nil && len(settings.values) > 1 {
			t.Fatalf("%q gave %v", body, settings.values)
		}
	})
}
