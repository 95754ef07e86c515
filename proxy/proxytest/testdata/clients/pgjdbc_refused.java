// What pgjdbc cannot do through the proxy. The answers stand in pgjdbc_refused.expected.

import java.sql.*;
import java.util.*;

class Client {
    static Connection connect(String... properties) throws SQLException {
        Map<String, String> env = System.getenv();
        Properties p = new Properties();
        p.setProperty("user", env.get("PGUSER"));
        p.setProperty("password", env.get("PGPASSWORD"));
        p.setProperty("sslmode", env.get("PGSSLMODE"));
        p.setProperty("sslrootcert", env.get("PGSSLROOTCERT"));
        for (int i = 0; i < properties.length; i += 2) p.setProperty(properties[i], properties[i + 1]);
        return DriverManager.getConnection("jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE"), p);
    }

    interface Work { Object run(Connection c) throws SQLException; }

    static void refused(String title, Connection c, Work work) throws SQLException {
        try {
            System.out.println(title + " did not fail: " + work.run(c));
        } catch (SQLException e) {
            System.out.println(title + " " + e.getSQLState() + " " + e.getMessage().replace("\n ", " |"));
        }
        if (!c.getAutoCommit()) c.setAutoCommit(true);
        try (PreparedStatement s = c.prepareStatement("select ?::text")) {
            s.setString(1, "again");
            ResultSet rs = s.executeQuery();
            rs.next();
            System.out.println("  well " + rs.getString(1));
        }
    }

    static Object query(Connection c, String sql, Object... args) throws SQLException {
        try (PreparedStatement s = c.prepareStatement(sql)) {
            for (int i = 0; i < args.length; i++) s.setObject(i + 1, args[i]);
            Object last = null;
            for (int n = 0; n < 6; n++) {
                ResultSet rs = s.executeQuery();
                rs.next();
                last = rs.getObject(1);
            }
            return last;
        }
    }

    public static void main(String[] args) throws Exception {
        try (Connection c = connect()) {
            refused("an int, as binary", c, d -> query(d, "select ?", 1));
            refused("a string", c, d -> query(d, "select ?::text", "x"));
            refused("an int as a result, six times", c, d -> query(d, "select id from pgjdbc.parent where name = ?", "one"));
            refused("bytes", c, d -> query(d, "select ?", new byte[] {0}));
        }
        try (Connection c = connect("binaryTransfer", "false")) {
            refused("bytes", c, d -> query(d, "select ?", new byte[] {0}));
            refused("a uuid", c, d -> query(d, "select ?", new UUID(0, 1)));
            refused("an array", c, d -> query(d, "select ?", d.createArrayOf("int4", new Integer[] {1})));
            refused("a transaction", c, d -> { d.setAutoCommit(false); return query(d, "select 1"); });
            refused("a fetch size", c, d -> {
                try (Statement s = d.createStatement()) {
                    s.setFetchSize(2);
                    ResultSet rs = s.executeQuery("select g from generate_series(1, 10) g");
                    int n = 0;
                    while (rs.next()) n++;
                    return n + " rows, all at once in autocommit";
                }
            });
            refused("a limit of rows", c, d -> {
                try (Statement s = d.createStatement()) {
                    s.setMaxRows(2);
                    return s.executeQuery("select g from generate_series(1, 10) g").next();
                }
            });
            refused("COPY", c, d -> d.unwrap(org.postgresql.PGConnection.class).getCopyAPI().copyIn("copy pgjdbc.t from stdin"));
        }
    }
}
