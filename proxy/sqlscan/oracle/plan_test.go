package oracle

import (
	"fmt"
	"strings"
	"testing"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pgturnstile/pgturnstile/proxy/plan"
	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

const role = "authenticated"

// expected is what the tree of one statement demands of its plan.
type expected struct {
	kind plan.Kind
	// feature is the refusal's. Where a plan refuses and the tree shows nothing to refuse, it is a defect too.
	feature plan.Feature
	check   func(plan.Plan) bool // nil: nothing more to demand
	failing bool                 // the server refuses it after parsing: any plan will do
}

func refused(f plan.Feature) expected { return expected{kind: plan.Refuse, feature: f} }

// comparePlan says how the plan of sql differs from what its tree demands; nil if it does not, or if sql is not one valid
// statement: then only what is answered without the server is wrong. Whatever looks like the call of a refused function is
// refused; lenient allows that where it is none, as in an operator class with that name.
func comparePlan(sql string, lenient bool) error {
	if beyondOracle(sql) {
		return nil
	}
	statements := sqlscan.Split(nil, sql, true)
	tree, err := pg_query.Parse(sql)
	if err != nil {
		for _, s := range statements {
			switch p := classify(s); p.Kind {
			case plan.Forward, plan.Refuse, plan.Empty:
			default:
				if _, err := pg_query.Parse(s.Text); err != nil && p.Kind != plan.TransactionControl {
					return fmt.Errorf("plan is %s, but Postgres refuses it: %w", show(p), err)
				} else if err != nil {
					return fmt.Errorf("control %s, but Postgres refuses it: %w", show(p), err)
				}
			}
		}
		return nil
	}
	if len(tree.Stmts) != 1 || len(statements) != 1 {
		return nil
	}
	p := classify(statements[0])
	want := expect(tree.Stmts[0].Stmt)
	if want.kind == plan.Forward {
		if f := calls(tree.Stmts[0].Stmt); f != "" {
			want = refused(f)
		}
	}
	switch {
	case want.failing:
	case lenient && want.kind == plan.Forward && callFeatures[p.Feature]:
	case p.Kind != want.kind || p.Feature != want.feature:
		return fmt.Errorf("plan is %s, want kind %d, feature %q", show(p), want.kind, want.feature)
	case p.Kind == plan.Refuse && (p.Refusal == nil || p.Refusal.Code != "0A000" || p.Refusal.Hint == ""):
		return fmt.Errorf("refusal without code or hint: %s", show(p))
	case want.check != nil && !want.check(p):
		return fmt.Errorf("plan is %s, which the tree contradicts", show(p))
	}
	return nil
}

// callFeatures are the refusals of function calls.
var callFeatures = map[plan.Feature]bool{plan.FeatureAdvisoryLock: true, plan.FeatureCurrentSetting: true,
	plan.FeatureCurrval: true, plan.FeatureLastval: true, plan.FeatureSetConfig: true, plan.FeatureSetseed: true}

func classify(s sqlscan.Statement) plan.Plan {
	return plan.Classify(s, plan.Options{StandardConforming: true, Role: role})
}

func show(p plan.Plan) string {
	s := fmt.Sprintf("%+v", p)
	if p.Control != nil {
		s += fmt.Sprintf(" %+v", *p.Control)
	}
	if p.Setting != nil {
		s += fmt.Sprintf(" %+v", *p.Setting)
	}
	return s
}

// has reports whether a message of that name is in the tree.
func has(n *pg_query.Node, message string) bool {
	found := false
	walk(n.ProtoReflect(), func(m protoreflect.Message) {
		found = found || string(m.Descriptor().Name()) == message
	})
	return found
}

// calls returns the first refusal that a function call in the tree demands, by the order in which calls stand in the
// text.
func calls(n *pg_query.Node) (f plan.Feature) {
	at := int32(1 << 30)
	walk(n.ProtoReflect(), func(m protoreflect.Message) {
		c, ok := m.Interface().(*pg_query.FuncCall)
		if !ok || c.Location >= at {
			return
		}
		found := plan.Feature("")
		switch name := c.Funcname[len(c.Funcname)-1].GetString_().GetSval(); name {
		case "set_config":
			found = plan.FeatureSetConfig
		case "currval":
			found = plan.FeatureCurrval
		case "lastval":
			found = plan.FeatureLastval
		case "setseed":
			found = plan.FeatureSetseed
		case "current_setting":
			if len(c.Args) > 0 {
				walk(c.Args[0].ProtoReflect(), func(m protoreflect.Message) {
					if s, ok := m.Interface().(*pg_query.A_Const); ok && keptSettings[strings.ToLower(constant(s))] {
						found = plan.FeatureCurrentSetting
					}
				})
			}
		case "pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared",
			"pg_advisory_unlock", "pg_advisory_unlock_shared":
			found = plan.FeatureAdvisoryLock
		}
		if found != "" {
			f, at = found, c.Location
		}
	})
	return f
}

func walk(m protoreflect.Message, visit func(protoreflect.Message)) {
	visit(m)
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case d.Message() == nil:
		case d.IsList():
			for i := range v.List().Len() {
				walk(v.List().Get(i).Message(), visit)
			}
		default:
			walk(v.Message(), visit)
		}
		return true
	})
}

func TestPlanCorpus(t *testing.T) {
	for _, text := range corpus(t) {
		for _, s := range sqlscan.Split(nil, text, true) {
			if err := comparePlan(s.Text, false); err != nil {
				t.Errorf("%q: %v", s.Text, err)
			}
		}
	}
}

func TestPlanRegression(t *testing.T) {
	for name, text := range regression(t) {
		for _, s := range sqlscan.Split(nil, text, true) {
			if len(s.Text) > 64<<10 {
				continue
			}
			if err := comparePlan(s.Text, false); err != nil {
				t.Errorf("%s: %q: %v", name, s.Text, err)
			}
		}
	}
}
