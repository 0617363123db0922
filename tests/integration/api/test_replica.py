"""What a read replica may do to a query: cancel it, or refuse a write."""

from __future__ import annotations

import pytest

from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import seed_minutes, seed_tree

# As a replica does when its log overtakes a query: the first `times` readings end so.
CANCELLING = """
create sequence readings;
create function cancelled(times int8, code text) returns boolean
language plpgsql volatile security definer as $$
begin
    if nextval('readings') <= times then
        raise exception 'canceling statement due to conflict with recovery' using errcode = code;
    end if;
    return true;
end $$;
"""
# Read by counts, lists of accounts and the overview.
OVERTAKEN = """
alter table status_counts rename to real_counts;
create view status_counts as
select entity_id, status, workers from real_counts where cancelled({times}, '{code}');
grant select on status_counts to public;
create or replace view worker_counts as
select entity_id, status, workers::int8 as workers from status_counts;
"""
# What a replica says to each of them.
READ_ONLY = """
create function read_only() returns trigger language plpgsql as $$
begin
    raise exception 'cannot execute % in a read-only transaction', tg_op using errcode = '25006';
end $$;
create trigger read_only before insert or update or delete on miners
for each statement execute function read_only();
create trigger read_only before insert or update or delete on watchers
for each statement execute function read_only();
create trigger read_only before insert or update or delete on worker_removals
for each statement execute function read_only();
"""


@pytest.fixture
async def pool(database_url):
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
        await seed_minutes(connection, days=1)
        await connection.execute(CANCELLING)
        yield database_url, tree, connection


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize("path", ["", "/workers/stats", "/overview"])
async def test_a_cancelled_query_is_sent_once_more(pool, code, path):
    url, tree, connection = pool
    async with api_client(api_config(url)) as client:
        address = f"{BASE}/pools/{tree.pool.uid}{path}"
        before = await client.get(address)
        await connection.execute(OVERTAKEN.format(times=1, code=code))
        again = await client.get(address)
    assert (before.status_code, again.status_code) == (200, 200)
    assert again.json().keys() == before.json().keys()


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_one_that_is_cancelled_again_is_to_be_asked_later(pool, code):
    url, tree, connection = pool
    await connection.execute(OVERTAKEN.format(times=1_000, code=code))
    async with api_client(api_config(url)) as client:
        answer = await client.get(f"{BASE}/pools/{tree.pool.uid}/workers/stats")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["error"]["code"] == "unavailable"
    assert await connection.fetchval("select last_value from readings") == 2


async def test_a_replica_answers_reads_and_refuses_writes_with_503(pool):
    url, tree, connection = pool
    await connection.execute(READ_ONLY)
    miner = f"{BASE}/miners/{tree.alpha.uid}"
    async with api_client(api_config(url)) as client:
        reads = [
            await client.get(path)
            for path in (
                f"{miner}/workers",
                f"{BASE}/miners/stats?id={tree.alpha.uid}",
                f"{BASE}/miners/charts?id={tree.alpha.uid}&period=PT1H",
                f"{miner}/workers/daily-report",
            )
        ]
        writes = [
            await client.put(f"{miner}/title", json={"title": "T"}),
            await client.post(f"{miner}/watchers", json={}),
            await client.delete(f"{BASE}/workers/{tree.alpha_workers[0].uid}"),
        ]
    assert [answer.status_code for answer in reads] == [200] * 4
    assert [answer.status_code for answer in writes] == [503] * 3
    assert all(int(answer.headers["retry-after"]) > 0 for answer in writes)
