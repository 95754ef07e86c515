package catalog

import (
	"testing"
	"time"
)

// other asks as another role.
type other struct{ *typeServer }

func (other) AsAnotherRole() bool { return true }

// What another role may use is nobody else's business: it is neither kept nor taken from what is kept.
func TestTypesOfAnotherRoleAreNotShared(t *testing.T) {
	server := &typeServer{name: "hidden"}
	types := NewTypes(time.Hour, 100)
	get := func(ask Asker, oids ...uint32) map[uint32]Type {
		t.Helper()
		found, err := types.Get(t.Context(), ask, oids)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := get(other{server}, 18000, 0, 18000, 23); found[18000].Name != "hidden.t18000" || len(found) != 2 {
		t.Errorf("the other role finds %v", found)
	}
	server.name = "public"
	if found := get(server, 18000); found[18000].Name != "public.t18000" {
		t.Errorf("the route's role is told %v", found)
	}
	server.name = "hidden"
	if found := get(other{server}, 18000); found[18000].Name != "hidden.t18000" {
		t.Errorf("the other role is told %v", found)
	}
	if found := get(server, 18000); found[18000].Name != "public.t18000" || len(server.asked) != 3 {
		t.Errorf("afterwards %v, asked %v", found, server.asked)
	}
	if found := get(other{server}, 0); len(found) != 0 || len(server.asked) != 3 {
		t.Errorf("nothing is %v, asked %v", found, server.asked)
	}
}
