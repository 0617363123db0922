"""ClickHouse in this process: answers each line of SQL from stdin with a line of JSON.

Arguments: a Parquet file of worker minutes, an empty folder for the tables `minutes` and `hours`.
An answer is `{"seconds": ..., "rows": [[...], ...]}`.
"""

# mypy: ignore-errors
# (runs in an environment of its own, see README.md)

import json
import sys
import time

from chdb.session import Session

parquet, folder = sys.argv[1], sys.argv[2]
session = Session(folder)
TABLE = (
    "create table {} (worker_id Int32, bucket Int64, accepted Float64, rejected Float64)"
    " engine = MergeTree order by (worker_id, bucket)"
)
session.query("create database bench")
session.query("use bench")
session.query(TABLE.format("minutes"))
# Kept by hour beside it, as a materialized view would; its second order finds an hour at once.
by_hour = "projection by_hour (select * order by bucket, accepted)"
session.query(TABLE.format("hours").replace("rejected Float64", f"rejected Float64, {by_hour}"))
session.query(f"insert into minutes select * from file('{parquet}', Parquet)")
session.query(
    "insert into hours select worker_id, intDiv(bucket, 3600) * 3600 as hour, sum(accepted),"
    " sum(rejected) from minutes group by 1, 2"
)
for table in ("minutes", "hours"):
    session.query(f"optimize table {table} final")
print("ready", flush=True)
for line in sys.stdin:
    started = time.perf_counter()
    answer = session.query(line, "JSONCompactEachRow").bytes()
    rows = [json.loads(row) for row in answer.splitlines()]
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "rows": rows}), flush=True)
