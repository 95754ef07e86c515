CREATE EXTENSION btree_gist;
CREATE TABLE virtual_columns (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL, c int GENERATED ALWAYS AS (a * 3) STORED);
CREATE TABLE periods (id int, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
GRANT ALL ON virtual_columns, periods TO authenticated;
