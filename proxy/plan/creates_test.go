package plan

import (
	"testing"

	"github.com/pgturnstile/pgturnstile/proxy/sqlscan"
)

func TestWhatSearchPathPlaces(t *testing.T) {
	for sql, want := range map[string]bool{
		"create table t (a int)": true, "create table if not exists t (a int)": true, "create table s.t (a int)": false, `create table U&"s" uescape '!' . t (a int)`: false,
		"create function f() returns int language sql as 'select 1'": true, "create or replace function s.f() returns int language sql as 'select 1'": false,
		"create table t as select 1": true, "select 1 into t": true, "explain analyze create table t as select 1": true, "explain create table t as select 1": false,
		"explain analyze select 1 into t": true, "create operator + (leftarg = int)": true, "create index on t (a)": false, "create database d": false,
		"create view v as select 1": true, "insert into t values (1)": false, "select 1": false,
	} {
		p := Classify(sqlscan.Split(nil, sql, true)[0], Options{StandardConforming: true})
		if p.Kind != Forward || p.Creates != want {
			t.Errorf("%s: %v, kind %v", sql, p.Creates, p.Kind)
		}
	}
}
