package oracle

import (
	"fmt"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgturnstile/pgturnstile/proxy/plan"
)

func expect(n *pg_query.Node) expected {
	switch s := n.Node.(type) {
	case *pg_query.Node_TransactionStmt:
		return expectControl(s.TransactionStmt)
	case *pg_query.Node_VariableSetStmt:
		return expectSet(s.VariableSetStmt)
	case *pg_query.Node_VariableShowStmt:
		name := settingName(s.VariableShowStmt.Name)
		return expected{kind: plan.Show, check: func(p plan.Plan) bool {
			return p.Setting.Name == name && p.ReadOnlyShape && p.Returns == plan.ReturnsRows &&
				(p.Calls != nil && p.Calls.Reads) == (name == "all") && plan.Tag(p, "", "", 0, false) == "SHOW"
		}}
	case *pg_query.Node_ConstraintsSetStmt:
		return expected{kind: plan.Set, check: func(p plan.Plan) bool {
			return p.Setting.Form == plan.Constraints && plan.Tag(p, "", "", 0, false) == "SET CONSTRAINTS"
		}}
	case *pg_query.Node_DiscardStmt:
		what := strings.TrimPrefix(s.DiscardStmt.Target.String(), "DISCARD_")
		return expected{kind: plan.Discard, check: func(p plan.Plan) bool { return p.Discard == what }}
	case *pg_query.Node_PrepareStmt:
		return expectPrepare(s.PrepareStmt)
	case *pg_query.Node_ExecuteStmt:
		return expectExecute(s.ExecuteStmt)
	case *pg_query.Node_DeallocateStmt:
		return expected{kind: plan.Deallocate, check: func(p plan.Plan) bool { return p.Name == s.DeallocateStmt.Name }}
	case *pg_query.Node_DeclareCursorStmt:
		const hold = 0x0020 // CURSOR_OPT_HOLD
		if s.DeclareCursorStmt.Options&hold != 0 {
			return refused(plan.FeatureWithHold)
		}
		return refused(plan.FeatureDeclare)
	case *pg_query.Node_FetchStmt:
		if s.FetchStmt.Ismove {
			return refused(plan.FeatureMove)
		}
		return refused(plan.FeatureFetch)
	case *pg_query.Node_ClosePortalStmt:
		if s.ClosePortalStmt.Portalname == "" {
			return expected{kind: plan.CloseCursors}
		}
		return refused(plan.FeatureClose)
	case *pg_query.Node_CopyStmt:
		return refused(plan.FeatureCopy)
	case *pg_query.Node_ListenStmt:
		return refused(plan.FeatureListen)
	case *pg_query.Node_UnlistenStmt:
		return expected{kind: plan.Unlisten}
	case *pg_query.Node_AlterRoleStmt:
		return expectAlterRole(s.AlterRoleStmt.Role, s.AlterRoleStmt)
	case *pg_query.Node_AlterRoleSetStmt:
		return expectAlterRole(s.AlterRoleSetStmt.Role, nil)
	case *pg_query.Node_RenameStmt:
		if s.RenameStmt.RenameType == pg_query.ObjectType_OBJECT_ROLE && s.RenameStmt.Subname == role {
			return refused(plan.FeatureAlterRole)
		}
	case *pg_query.Node_ExplainStmt:
		return expectExplain(s.ExplainStmt)
	case *pg_query.Node_CallStmt:
		return expected{check: func(p plan.Plan) bool { return p.Returns == plan.ReturnsUnknown }}
	case *pg_query.Node_SelectStmt, *pg_query.Node_InsertStmt, *pg_query.Node_UpdateStmt, *pg_query.Node_DeleteStmt,
		*pg_query.Node_MergeStmt:
		return expectQuery(n)
	}
	return expectUtility(n)
}

func expectControl(s *pg_query.TransactionStmt) expected {
	verb, tag := plan.Begin, "BEGIN"
	switch s.Kind {
	case pg_query.TransactionStmtKind_TRANS_STMT_BEGIN:
	case pg_query.TransactionStmtKind_TRANS_STMT_START:
		tag = "START TRANSACTION"
	case pg_query.TransactionStmtKind_TRANS_STMT_COMMIT:
		verb, tag = plan.Commit, "COMMIT"
	case pg_query.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		verb, tag = plan.Rollback, "ROLLBACK"
	case pg_query.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		verb, tag = plan.Savepoint, "SAVEPOINT"
	case pg_query.TransactionStmtKind_TRANS_STMT_RELEASE:
		verb, tag = plan.Release, "RELEASE"
	case pg_query.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		verb, tag = plan.RollbackTo, "ROLLBACK"
	case pg_query.TransactionStmtKind_TRANS_STMT_PREPARE:
		return refused(plan.FeaturePrepareTransaction)
	default: // COMMIT PREPARED, ROLLBACK PREPARED
		return expected{check: func(p plan.Plan) bool { return p.Alone }}
	}
	isolation, readOnly, deferrable := transactionModes(s.Options)
	return expected{kind: plan.TransactionControl, check: func(p plan.Plan) bool {
		c := p.Control
		return c.Verb == verb && c.Tag == tag && c.Savepoint == s.SavepointName && c.Chain == s.Chain &&
			c.Isolation == isolation && optional(c.ReadOnly) == readOnly && optional(c.Deferrable) == deferrable &&
			modesAgree(c.TransactionModes, s.Options)
	}}
}

func transactionModes(options []*pg_query.Node) (isolation, readOnly, deferrable string) {
	readOnly, deferrable = "nil", "nil"
	for _, o := range options {
		d := o.GetDefElem()
		switch d.Defname {
		case "transaction_isolation":
			isolation = strings.ToUpper(d.Arg.GetAConst().GetSval().Sval)
		case "transaction_read_only":
			readOnly = fmt.Sprint(d.Arg.GetAConst().GetIval().GetIval() != 0)
		case "transaction_deferrable":
			deferrable = fmt.Sprint(d.Arg.GetAConst().GetIval().GetIval() != 0)
		}
	}
	return isolation, readOnly, deferrable
}

func optional(b *bool) string {
	if b == nil {
		return "nil"
	}
	return fmt.Sprint(*b)
}

// modesAgree reports whether SET TRANSACTION modes says what options says.
func modesAgree(modes string, options []*pg_query.Node) bool {
	if modes == "" {
		return len(options) == 0
	}
	tree, err := pg_query.Parse("SET TRANSACTION " + modes)
	return err == nil && len(tree.Stmts[0].Stmt.GetVariableSetStmt().Args) == len(options)
}

// constant is the text that flatten_set_variable_args makes of c.
func constant(c *pg_query.A_Const) string {
	switch v := c.GetVal().(type) {
	case *pg_query.A_Const_Sval:
		return v.Sval.Sval
	case *pg_query.A_Const_Fval:
		return v.Fval.Fval
	}
	return fmt.Sprint(c.GetIval().GetIval())
}

func expectAlterRole(r *pg_query.RoleSpec, s *pg_query.AlterRoleStmt) expected {
	if s != nil && len(s.Options) == 1 && s.Options[0].GetDefElem().Defname == "rolemembers" {
		return expected{} // ALTER GROUP, which changes members only
	}
	if r == nil || r.Roletype != pg_query.RoleSpecType_ROLESPEC_CSTRING && r.Roletype != pg_query.RoleSpecType_ROLESPEC_PUBLIC ||
		r.Rolename == role {
		return refused(plan.FeatureAlterRole)
	}
	return expected{}
}

// analyzes reports whether an EXPLAIN executes.
func analyzes(s *pg_query.ExplainStmt) (analyze bool) {
	for _, o := range s.Options {
		if d := o.GetDefElem(); d.Defname == "analyze" || d.Defname == "analyse" {
			v := strings.ToLower(d.Arg.GetString_().GetSval())
			if i := d.Arg.GetInteger(); i != nil {
				v = fmt.Sprint(i.Ival)
			}
			analyze = d.Arg == nil || !strings.Contains(" 0 off false ", " "+v+" ")
		}
	}
	return analyze
}

func expectExplain(s *pg_query.ExplainStmt) expected {
	analyze := analyzes(s)
	if s.Query.GetExecuteStmt() != nil {
		return refused(plan.FeatureExecute)
	}
	inner := expect(s.Query)
	if inner.kind == plan.Refuse && inner.feature != plan.FeatureDeclare && inner.feature != plan.FeatureWithHold {
		return inner
	}
	return expected{check: func(p plan.Plan) bool {
		return p.Returns == plan.ReturnsRows && (!p.ReadOnlyShape || !analyze) && (!p.Changes || analyze)
	}}
}

func expectQuery(n *pg_query.Node) expected {
	dml := n.GetSelectStmt() == nil
	var with *pg_query.WithClause
	var returning []*pg_query.Node
	into := false
	verb := plan.VerbSelect
	switch s := n.Node.(type) {
	case *pg_query.Node_SelectStmt:
		leftmost := s.SelectStmt
		for leftmost.Larg != nil {
			leftmost = leftmost.Larg
		}
		with, into = s.SelectStmt.WithClause, leftmost.IntoClause != nil
		if !into && has(n, "IntoClause") {
			return expected{failing: true} // INTO where it is not allowed
		}
		if into {
			if rel := leftmost.IntoClause.Rel; temporary(rel) {
				return refused(plan.FeatureTemp)
			}
		}
	case *pg_query.Node_InsertStmt:
		verb, with, returning = plan.VerbInsert, s.InsertStmt.WithClause, s.InsertStmt.ReturningList
	case *pg_query.Node_UpdateStmt:
		rel := s.UpdateStmt.Relation
		if rel.Relname == "pg_settings" && rel.Catalogname == "" && (rel.Schemaname == "" || rel.Schemaname == "pg_catalog") {
			return refused(plan.FeatureSet)
		}
		verb, with, returning = plan.VerbUpdate, s.UpdateStmt.WithClause, s.UpdateStmt.ReturningList
	case *pg_query.Node_DeleteStmt:
		verb, with, returning = plan.VerbDelete, s.DeleteStmt.WithClause, s.DeleteStmt.ReturningList
	case *pg_query.Node_MergeStmt:
		verb, with, returning = plan.VerbMerge, s.MergeStmt.WithClause, s.MergeStmt.ReturningList
	}
	cte := false
	for _, c := range with.GetCtes() {
		q := c.GetCommonTableExpr().Ctequery
		cte = cte || q.GetSelectStmt() == nil
	}
	modifies := dml || cte
	rows := !into && (!dml || len(returning) > 0)
	locks := has(n, "LockingClause")
	return expected{check: func(p plan.Plan) bool {
		if p.ReadOnlyShape && (modifies || into || locks) || !p.ReadOnlyShape && !modifies && !into && !locks {
			return false
		}
		return p.Verb == verb && p.Returns == map[bool]plan.Rows{true: plan.ReturnsRows}[rows] &&
			(p.ReturningDML == (modifies && rows)) && !p.Alone && p.Into == into && p.Changes == into && p.ModifyingCTE == cte
	}}
}

func temporary(r *pg_query.RangeVar) bool {
	return r.GetRelpersistence() == "t" || temporarySchema(r.GetSchemaname()) || temporarySchema(r.GetCatalogname())
}

func temporarySchema(name string) bool {
	return name == "pg_temp" || strings.HasPrefix(name, "pg_temp_")
}

// expectUtility is what has no case of its own: forwarded, but for temporary objects.
func expectUtility(n *pg_query.Node) expected {
	var created *pg_query.RangeVar
	var name []*pg_query.Node
	alone, asQuery, changes := false, false, true
	switch s := n.Node.(type) {
	case *pg_query.Node_NotifyStmt, *pg_query.Node_LockStmt, *pg_query.Node_TruncateStmt, *pg_query.Node_RefreshMatViewStmt,
		*pg_query.Node_CheckPointStmt, *pg_query.Node_CommentStmt:
		changes = false
	case *pg_query.Node_CreateStmt:
		created = s.CreateStmt.Relation
	case *pg_query.Node_CreateForeignTableStmt:
		created = s.CreateForeignTableStmt.BaseStmt.Relation
	case *pg_query.Node_CreateSeqStmt:
		created = s.CreateSeqStmt.Sequence
	case *pg_query.Node_ViewStmt:
		created = s.ViewStmt.View
	case *pg_query.Node_CompositeTypeStmt:
		created = s.CompositeTypeStmt.Typevar
	case *pg_query.Node_CreateTableAsStmt:
		created = s.CreateTableAsStmt.Into.Rel
		asQuery = s.CreateTableAsStmt.Objtype == pg_query.ObjectType_OBJECT_TABLE
		if s.CreateTableAsStmt.Query.GetExecuteStmt() != nil && !temporary(created) {
			return refused(plan.FeatureExecute)
		}
	case *pg_query.Node_CreateFunctionStmt:
		name = s.CreateFunctionStmt.Funcname
	case *pg_query.Node_CreateDomainStmt:
		name = s.CreateDomainStmt.Domainname
	case *pg_query.Node_CreateEnumStmt:
		name = s.CreateEnumStmt.TypeName
	case *pg_query.Node_CreateRangeStmt:
		name = s.CreateRangeStmt.TypeName
	case *pg_query.Node_DefineStmt:
		name = s.DefineStmt.Defnames
	case *pg_query.Node_CreateStatsStmt:
		name = s.CreateStatsStmt.Defnames
	case *pg_query.Node_IndexStmt:
		alone = s.IndexStmt.Concurrent
	case *pg_query.Node_DropStmt:
		alone = s.DropStmt.Concurrent
	case *pg_query.Node_VacuumStmt:
		alone, changes = s.VacuumStmt.IsVacuumcmd, false
	case *pg_query.Node_CreatedbStmt, *pg_query.Node_DropdbStmt, *pg_query.Node_CreateTableSpaceStmt,
		*pg_query.Node_DropTableSpaceStmt, *pg_query.Node_AlterSystemStmt, *pg_query.Node_DropSubscriptionStmt:
		alone = true
	case *pg_query.Node_CreateSubscriptionStmt, *pg_query.Node_AlterSubscriptionStmt, *pg_query.Node_ReindexStmt,
		*pg_query.Node_AlterDatabaseStmt, *pg_query.Node_AlterTableStmt, *pg_query.Node_ClusterStmt:
		return expected{} // by options: plan's own tests have them
	}
	inTemporary := temporary(created)
	for i, part := range name {
		inTemporary = inTemporary || i < len(name)-1 && temporarySchema(part.GetString_().GetSval())
	}
	if inTemporary {
		return refused(plan.FeatureTemp)
	}
	return expected{check: func(p plan.Plan) bool {
		return p.Verb == plan.VerbUtility && p.Alone == alone && p.Changes == changes && !p.ReadOnlyShape && !p.ReturningDML &&
			(plan.Tag(p, "CREATE TABLE t", "CREATE", 0, false) == "CREATE TABLE AS") == asQuery
	}}
}
