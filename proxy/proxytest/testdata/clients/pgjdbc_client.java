// pgjdbc with binaryTransfer=false, as a program uses JDBC in autocommit, in its two query modes. Prints what it sees; the outputs of
// both servers are compared.

import java.math.BigDecimal;
import java.sql.*;
import java.time.*;
import java.util.*;

class Client {
    static Connection connect(String... properties) throws SQLException {
        Map<String, String> env = System.getenv();
        Properties p = new Properties();
        p.setProperty("user", env.get("PGUSER"));
        p.setProperty("password", env.getOrDefault("PGPASSWORD", ""));
        p.setProperty("sslmode", env.get("PGSSLMODE"));
        if (env.containsKey("PGSSLROOTCERT")) p.setProperty("sslrootcert", env.get("PGSSLROOTCERT"));
        if (env.containsKey("PGOPTIONS")) p.setProperty("options", env.get("PGOPTIONS"));
        p.setProperty("binaryTransfer", "false");
        for (int i = 0; i < properties.length; i += 2) p.setProperty(properties[i], properties[i + 1]);
        return DriverManager.getConnection("jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE"), p);
    }

    static void show(String title, ResultSet rs) throws SQLException {
        StringBuilder b = new StringBuilder(title);
        ResultSetMetaData m = rs.getMetaData();
        for (int i = 1; i <= m.getColumnCount(); i++) {
            b.append(' ').append(m.getColumnLabel(i)).append(':').append(m.getColumnTypeName(i)).append(':').append(m.getColumnType(i))
                .append(':').append(m.getPrecision(i)).append(':').append(m.getScale(i)).append(':').append(m.getColumnDisplaySize(i));
        }
        while (rs.next()) {
            b.append(" (");
            for (int i = 1; i <= m.getColumnCount(); i++) b.append(i > 1 ? ", " : "").append(rs.getString(i));
            b.append(')');
        }
        // The databases' names differ, and JDBC tells them as catalogs.
        System.out.println(b.toString().replace("(" + System.getenv("PGDATABASE") + ", ", "(DATABASE, ").replace(", " + System.getenv("PGDATABASE") + ", ", ", DATABASE, "));
    }

    interface Work { void run() throws SQLException; }

    static void fails(String title, Work work) {
        try {
            work.run();
            System.out.println(title + " did not fail");
        } catch (SQLException e) {
            System.out.println(title + " " + e.getClass().getSimpleName() + " " + e.getSQLState() + " " + e.getMessage().replace('\n', '|'));
        }
    }

    static void query(Connection c, String title, String sql, Object... args) throws SQLException {
        try (PreparedStatement s = c.prepareStatement(sql)) {
            for (int i = 0; i < args.length; i++) {
                if (args[i] == null) s.setNull(i + 1, Types.VARCHAR);
                else s.setObject(i + 1, args[i]);
            }
            if (s.execute()) show(title, s.getResultSet());
            else System.out.println(title + " " + s.getUpdateCount());
        }
    }

    static void session(String schema, Connection c) throws SQLException {
        DatabaseMetaData meta = c.getMetaData();
        System.out.println(meta.getDatabaseProductVersion() + " " + c.getAutoCommit() + " " + c.getTransactionIsolation() + " " + c.getSchema() + " " + c.isReadOnly() + " " + c.isValid(5));
        try (Statement s = c.createStatement()) {
            show("simple", s.executeQuery("select 1 as a, null as b, 'x' as c"));
            System.out.println("update " + s.executeUpdate("insert into " + schema + ".t values (100, 's')"));
            boolean rows = s.execute("select 1 as a; insert into " + schema + ".t values (101, 'm'); select 2 as b");
            for (int i = 0; i < 3; i++) {
                if (rows) show("several", s.getResultSet());
                else System.out.println("several " + s.getUpdateCount());
                rows = s.getMoreResults();
            }
            s.addBatch("insert into " + schema + ".t values (102, 'b')");
            s.addBatch("update " + schema + ".t set name = 'batch' where id > 100");
            System.out.println("batch " + Arrays.toString(s.executeBatch()));
            System.out.println("create " + s.executeUpdate("create table " + schema + ".p (id serial primary key, s varchar(40), n numeric(10,2), at timestamptz(3), d date, u uuid, j jsonb, a int[], b bytea, ok bool)"));
            System.out.println("keys " + s.executeUpdate("insert into " + schema + ".p (s) values ('generated')", Statement.RETURN_GENERATED_KEYS));
            show("generated", s.getGeneratedKeys());
        }
        query(c, "strings and numbers", "select ?::text as s, ?::int4 as i, ?::bool as b, ?::float8 as f, ?::int8 as l", "ä😀'\"\\", 42, true, 1.5, 1L << 40);
        query(c, "typed by themselves", "select ? as s, ? as i, ? as n, ? as l", "x", 7, new BigDecimal("1.50"), 8L);
        query(c, "null", "select ?::text as n, ?::int as i", null, null);
        query(c, "select", "select id, name from " + schema + ".parent where id >= ? and name <> ? order by id", 2, "no");
        try (PreparedStatement s = c.prepareStatement("insert into " + schema + ".p (s, n, at, d, u, j, a, ok) values (?, ?, ?, ?, ?, ?::jsonb, ?, ?)", new String[] {"id", "n"})) {
            s.setString(1, "it's");
            s.setBigDecimal(2, new BigDecimal("12.50"));
            s.setObject(3, OffsetDateTime.of(2026, 1, 2, 3, 4, 5, 678901000, ZoneOffset.UTC));
            s.setObject(4, LocalDate.of(2026, 1, 2));
            s.setObject(5, new UUID(0, 7));
            s.setString(6, "{\"a\": [1, null]}");
            s.setObject(7, "{1,2,NULL}", Types.OTHER); // setArray and setBytes send binary whatever was asked for
            s.setBoolean(8, true);
            System.out.println("insert " + s.executeUpdate());
            show("generated", s.getGeneratedKeys());
        }
        try (PreparedStatement s = c.prepareStatement("select s, n, at, d, u, j, a, ok from " + schema + ".p where s = ?")) {
            s.setString(1, "it's");
            ResultSet rs = s.executeQuery();
            while (rs.next()) {
                System.out.println("typed " + rs.getString(1) + " " + rs.getBigDecimal(2) + " " + rs.getObject(3, OffsetDateTime.class) + " " + rs.getTimestamp(3)
                    + " " + rs.getObject(4, LocalDate.class) + " " + rs.getObject(5) + " " + rs.getString(6) + " " + Arrays.toString((Integer[]) rs.getArray(7).getArray()) + " " + rs.getBoolean(8));
            }
        }
        try (PreparedStatement s = c.prepareStatement("select name, ?::int as n from " + schema + ".parent where id = ?")) {
            for (int i = 1; i <= 8; i++) { // from the fifth on by a named statement
                s.setInt(1, i);
                s.setInt(2, i % 3 + 1);
                show("again", s.executeQuery());
            }
        }
        try (PreparedStatement s = c.prepareStatement("insert into " + schema + ".t values (?, ?)")) {
            for (int i = 0; i < 5; i++) {
                s.setInt(1, i);
                s.setString(2, "batch " + i);
                s.addBatch();
            }
            System.out.println("prepared batch " + Arrays.toString(s.executeBatch()));
        }
        query(c, "update", "update " + schema + ".t set name = ? where id < ?", "same", 3);
        query(c, "delete returning", "delete from " + schema + ".t where id = ? returning id, name", 4);
        query(c, "many rows", "select count(*), sum(g) from (select g from generate_series(1, ?) g) s", 5000);
        fails("syntax", () -> query(c, "", "selec 1"));
        fails("column", () -> query(c, "", "select 'ä', nope from " + schema + ".t where id = ?", 1));
        fails("bad value", () -> query(c, "", "select ?::text::int", "x"));
        fails("wrong type", () -> query(c, "", "select * from " + schema + ".parent where id = ?", "1"));
        fails("unique", () -> query(c, "", "insert into " + schema + ".t values (?)", 1));
        fails("division", () -> query(c, "", "select 1 / ?", 0));
        fails("rls", () -> query(c, "", "insert into todos (user_id, task) values (?, 'x')", "mallory"));
        query(c, "well again", "select ? as ok", "ok");
        query(c, "set", "set time zone 'Europe/Berlin'");
        query(c, "in that zone", "select '2026-07-01 12:00+00'::timestamptz::text");
        c.setSchema(schema);
        query(c, "in that schema", "select name from parent where id = ?", 2);
        System.out.println("schema " + c.getSchema());
        c.setClientInfo("ApplicationName", "renamed");
        query(c, "application name", "show application_name");
        query(c, "own row", "insert into public.todos (task) values (?) returning user_id, task", "mine");
        query(c, "cleanup", "delete from public.todos");
    }

    public static void main(String[] args) throws Exception {
        try (Connection c = connect()) {
            session("pgjdbc", c);
            DatabaseMetaData meta = c.getMetaData();
            show("columns", meta.getColumns(null, "pgjdbc", "p", "%"));
            show("keys", meta.getPrimaryKeys(null, "pgjdbc", "p"));
            show("references", meta.getImportedKeys(null, "pgjdbc", "child"));
            show("indexes", meta.getIndexInfo(null, "pgjdbc", "child", false, false));
            show("tables", meta.getTables(null, "pgjdbc", "%", new String[] {"TABLE", "VIEW"}));
            try (PreparedStatement s = c.prepareStatement("select id, name as other from parent where id = ?")) {
                ResultSetMetaData m = s.getMetaData();
                System.out.println("described " + m.getColumnCount() + " " + m.getColumnTypeName(1) + " " + m.getColumnName(2) + " " + s.getParameterMetaData().getParameterTypeName(1));
            }
            c.setReadOnly(true);
            c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            query(c, "read only", "select current_setting('transaction_isolation') as i, current_setting('default_transaction_isolation') as d, current_setting('transaction_read_only') as r where true = ?", true);
            c.setReadOnly(false);
            c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            try (PreparedStatement s = c.prepareStatement("select pg_sleep(?)::text")) {
                s.setQueryTimeout(1);
                s.setDouble(1, 30);
                fails("a timeout", () -> {
                    try {
                        s.executeQuery();
                    } catch (SQLException e) { // through the proxy its detail says more
                        throw new SQLException(e.getMessage().split("\n")[0], e.getSQLState());
                    }
                });
            }
            query(c, "after it", "select ?", "well");
            try (Statement s = c.createStatement()) {
                s.execute("drop table p");
                s.execute("delete from t");
            }
        }
        try (Connection c = connect("preferQueryMode", "simple", "ApplicationName", "simple mode")) {
            session("pgjdbc", c);
        }
        try (Connection c = connect("prepareThreshold", "1", "currentSchema", "pgjdbc", "stringtype", "unspecified", "reWriteBatchedInserts", "true", "autosave", "always")) {
            query(c, "named at once", "select id, name from parent where id = ?", "1");
            query(c, "named at once", "select id, name from parent where id = ?", "2");
            try (PreparedStatement s = c.prepareStatement("insert into t values (?, ?)")) {
                for (int i = 200; i < 210; i++) {
                    s.setInt(1, i);
                    s.setString(2, "rewritten");
                    s.addBatch();
                }
                System.out.println("a batch as one statement " + Arrays.stream(s.executeBatch()).sum());
            }
            query(c, "count", "select count(*) from t where id >= ?", 200);
        }
        try (Connection c = connect("readOnlyMode", "always")) {
            c.setReadOnly(true);
            fails("read only", () -> query(c, "", "insert into pgjdbc.t values (?)", 300));
            c.setReadOnly(false);
            query(c, "written", "insert into pgjdbc.t values (?)", 300);
        }
        System.out.println("end");
    }
}
