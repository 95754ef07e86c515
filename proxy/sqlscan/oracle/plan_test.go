package oracle

import (
	"fmt"
	"slices"
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
	feature  plan.Feature
	features []plan.Feature       // any one of them
	check    func(plan.Plan) bool // nil: nothing more to demand
	failing  bool                 // the server refuses it after parsing: any plan will do
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
			p := classify(s)
			if sentAnyway(p) {
				continue
			}
			if _, err := pg_query.Parse(s.Text); err != nil {
				return fmt.Errorf("plan is %s, but Postgres refuses it: %w", show(p), err)
			}
		}
		return nil
	}
	if len(tree.Stmts) != 1 || len(statements) != 1 {
		return nil
	}
	p := classify(statements[0])
	want := expect(tree.Stmts[0].Stmt)
	node := tree.Stmts[0].Stmt
	if want.kind == plan.Forward || want.kind == plan.Execute {
		if f := calls(node); len(f) > 0 {
			want = expected{kind: plan.Refuse, features: f}
		}
	}
	named := p.Feature == want.feature || slices.Contains(want.features, p.Feature)
	switch {
	case want.failing:
		return nil
	case lenient && want.kind == plan.Forward && p.Kind == plan.Refuse && looksLikeCall(p.Feature):
		return nil
	case p.Kind == plan.Refuse && (p.Refusal == nil || p.Refusal.Code != code(p.Feature) || p.Refusal.Hint == ""):
		return fmt.Errorf("refusal without code or hint: %s", show(p))
	case want.kind == plan.Forward, want.kind == plan.Execute:
		executes, explains := execution(node)
		if err := callsAgree(p, node, executes, explains, lenient); err != nil {
			return err
		}
		if p.Kind == plan.Refuse && (p.Feature == plan.FeatureSetConfig || p.Feature == plan.FeatureSessionJWT || p.Feature == plan.FeatureSetseed) {
			return nil
		}
	}
	switch {
	case p.Kind != want.kind || !named:
		return fmt.Errorf("plan is %s, want kind %d, feature %q or one of %q", show(p), want.kind, want.feature, want.features)
	case want.check != nil && !want.check(p):
		return fmt.Errorf("plan is %s, which the tree contradicts", show(p))
	case p.Kind == plan.Set && p.Setting.Form != plan.Constraints:
		return scopeAgrees(statements[0].Text, p, node.GetVariableSetStmt())
	}
	return nil
}

// sentAnyway reports whether a statement with the plan p is read by the server even so: then nothing is lost if it is no
// valid grammar.
func sentAnyway(p plan.Plan) bool {
	switch p.Kind {
	case plan.Forward, plan.Refuse, plan.Empty, plan.Prepare:
		return true
	case plan.Set:
		return p.Setting.Name == "timezone"
	case plan.Execute:
		for _, a := range p.Execute.Args {
			if a.Kind == plan.ArgOther {
				return true
			}
		}
	}
	return false
}

// execution says what becomes of the function calls in a statement: made now, only explained, or neither, which is kept for
// later or not known.
func execution(n *pg_query.Node) (executes, explains bool) {
	switch s := n.Node.(type) {
	case *pg_query.Node_SelectStmt, *pg_query.Node_InsertStmt, *pg_query.Node_UpdateStmt, *pg_query.Node_DeleteStmt,
		*pg_query.Node_MergeStmt, *pg_query.Node_CallStmt, *pg_query.Node_ExecuteStmt:
		return true, false
	case *pg_query.Node_CreateTableAsStmt:
		return s.CreateTableAsStmt.Objtype == pg_query.ObjectType_OBJECT_TABLE, false
	case *pg_query.Node_ExplainStmt:
		return analyzes(s.ExplainStmt), !analyzes(s.ExplainStmt)
	}
	return false, false
}

// looksLikeCall reports whether a refusal is that of a function call.
func looksLikeCall(f plan.Feature) bool {
	for _, called := range callFeatures {
		if f == called {
			return true
		}
	}
	return f == plan.FeatureSetConfig || f == plan.FeatureSessionJWT
}

// code is the SQLSTATE of a refusal.
func code(f plan.Feature) string {
	if f == plan.FeatureSessionJWT {
		return "42501"
	}
	return "0A000"
}

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
	if p.Calls != nil {
		s += fmt.Sprintf(" %+v", *p.Calls)
	}
	if p.Execute != nil {
		s += fmt.Sprintf(" %+v", *p.Execute)
	}
	if p.Prepare != nil {
		s += fmt.Sprintf(" %+v", *p.Prepare)
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
