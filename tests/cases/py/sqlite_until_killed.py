"""Commits numbers to databases, each with a journal of another kind, until it is killed. What it prints is committed: journal and number."""

import os
import sqlite3
import sys

directory, *journals = sys.argv[1:]


def say(*words):
    # One write(2) each, so that nobody's line comes amid another.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def opened(journal):
    database = sqlite3.connect(f"{directory}/{journal}", isolation_level=None)
    assert database.execute(f"pragma journal_mode={journal}").fetchone() == (journal,)
    database.execute("pragma synchronous=full")
    database.execute("pragma wal_autocheckpoint=7")
    # Little is kept in memory: what is not committed yet reaches the files too.
    database.execute("pragma cache_size=3")
    database.execute("create table if not exists numbers (n integer primary key, filler text)")
    return database


def write(journal, begun):
    database = opened(journal)
    number = database.execute("select coalesce(max(n), 0) from numbers").fetchone()[0]
    say("opened", journal, number)
    begun()
    while True:
        number += 1
        database.execute("begin")
        database.execute("update numbers set filler = filler where n > ?", (number - 10,))
        database.execute("insert into numbers values (?, ?)", (number, "x" * (number % 3000)))
        database.execute("commit")
        say(journal, number)


# Nobody says a number before all have said what they found.
ready, told = os.pipe()
waiting, start = os.pipe()


def begun():
    os.close(start)
    os.write(told, b".")
    os.read(waiting, 1)


for journal in journals:
    if os.fork() == 0:
        write(journal, begun)
for _ in journals:
    os.read(ready, 1)
os.close(start)
os.wait()
