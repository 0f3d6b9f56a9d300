# 100,000 rows written and read back, with a journal of each kind.
cd /work
for mode in delete wal; do
  sqlite3 $mode.db "PRAGMA journal_mode=$mode; CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, y REAL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    INSERT INTO t SELECT i, 'row ' || i, i * 0.5 FROM n; CREATE INDEX tx ON t (x);"
  sqlite3 $mode.db "SELECT count(*), sum(id), sum(y), max(x) FROM t; SELECT id FROM t WHERE x = 'row 77777'; PRAGMA integrity_check;"
  for i in 1 2 3; do sqlite3 $mode.db "BEGIN; UPDATE t SET y = y + $i WHERE id % 3 = 0; COMMIT; SELECT total(y) FROM t;"; done
done
sqlite3 wal.db 'BEGIN; DELETE FROM t; ROLLBACK; SELECT count(*) FROM t; VACUUM;'
(sqlite3 -cmd '.timeout 200000' wal.db "UPDATE t SET y = 0 WHERE id < 1000" & sqlite3 -cmd '.timeout 200000' wal.db "UPDATE t SET y = 1 WHERE id > 99000"; wait)
sqlite3 wal.db 'SELECT count(*) FROM t WHERE y = 0; SELECT count(*) FROM t WHERE y = 1;'; sqlite3 wal.db .dump | sha256sum
