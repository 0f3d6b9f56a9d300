"""100,000 rows through the sqlite3 module, and two connections at once."""
import sqlite3

db = sqlite3.connect("/work/db", timeout=100); db.execute("CREATE TABLE t (i INTEGER PRIMARY KEY, s TEXT)")
with db: db.executemany("INSERT INTO t VALUES (?, ?)", ((i, f"row {i}") for i in range(100000)))
print(db.execute("SELECT count(*), sum(i), min(s), max(s) FROM t").fetchone()); other = sqlite3.connect("/work/db", timeout=0.1); db.execute("BEGIN IMMEDIATE")
try: other.execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as e: print(e)
db.execute("DELETE FROM t WHERE i % 2"); db.commit(); print(other.execute("SELECT count(*) FROM t").fetchone()); print(sum(len(s) for s, in db.execute("SELECT s FROM t"))); db.execute("VACUUM"); print(db.execute("PRAGMA integrity_check").fetchone())
