"""Commits numbers to a database with a write-ahead log until it is killed. What it prints is committed."""
import sqlite3, sys

database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("pragma journal_mode=wal")
database.execute("pragma synchronous=full")
database.execute("pragma wal_autocheckpoint=7")
database.execute("create table if not exists numbers (n integer primary key, filler text)")
number = database.execute("select coalesce(max(n), 0) from numbers").fetchone()[0]
print("opened", number, flush=True)
while True:
    number += 1
    database.execute("insert into numbers values (?, ?)", (number, "x" * (number % 3000)))
    print(number, flush=True)
