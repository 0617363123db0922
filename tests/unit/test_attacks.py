"""Every attack that was seen on a running service: what bounds it, and what comes of it.

A row's tests are those that make the attack; here it is held that they are there and run.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Attack:
    attack: str
    limit: str
    outcome: str
    tests: tuple[str, ...]


HTTP: Final = "unit/deploy/process/test_bounded_http.py::"
ABUSE: Final = "integration/api/access/test_abuse.py::"
AT_ONCE: Final = "integration/api/access/test_limits_at_once.py::"
SESSIONS: Final = "integration/api/access/test_sessions.py::"
PEOPLE: Final = "integration/people/test_invitations.py::"
ROLES: Final = "integration/deploy/test_database_roles.py::"
REGISTRY: Final = "integration/intake/workers/test_registry.py::"
REST: Final = "integration/api/access/test_secrets_at_rest.py::"

# fmt: off
ATTACKS: Final = (
    Attack("a header or target without end", "64 KiB", "431, the connection ends",
           (HTTP + "test_a_head_without_end_is_refused",)),
    Attack("thousands of short headers", "256", "431",
           (HTTP + "test_short_fields_without_number_are_refused",)),
    Attack("a connection that says nothing, or slowly", "10 s", "the connection ends",
           (HTTP + "test_a_head_that_does_not_end_in_time_ends_the_connection",
            HTTP + "test_the_second_request_of_a_connection_has_its_time_too")),
    Attack("a reader that reads nothing", "30 s", "the connection ends",
           (HTTP + "test_who_reads_nothing_is_cut_off",)),
    Attack("all event streams by one link", "20 of one caller and of one address", "429",
           (ABUSE + "test_one_caller_has_a_share_of_the_streams",)),
    Attack("reports side by side", "2 of one caller, 4 in all", "503 with Retry-After",
           (ABUSE + "test_a_few_reports_at_a_time",)),
    Attack("a dozen 7 MB bodies at the gateway", "64 MiB in flight, decoded one by one",
           "429 beyond it, under 512 MB", (
            "integration/feeds/test_gateway_memory.py::test_a_dozen_large_bodies_at_once",)),
    Attack("charts until memory is full", "64 MiB, counted with keys and bodies",
           "the oldest leave", (ABUSE + "test_the_cache_counts_what_it_holds",)),
    Attack("self-registration without end", "100 miners of a user", "409",
           (AT_ONCE + "test_requests_at_once_pass_no_limit",)),
    Attack("so many registered miners that intake makes none", "intake counts its own",
           "shares of unknown accounts count as before",
           (REGISTRY + "test_miners_that_people_registered_take_no_room_from_intake",)),
    Attack("no internal key", "none", "refused at start; open only to this machine",
           ("unit/deploy/test_settings.py::test_without_a_key_nothing_starts_unless_a_person_says_so",
            HTTP + "test_without_a_key_only_this_machine_itself_is_answered")),
    Attack("a key of one letter", "32 characters", "refused at start",
           ("unit/deploy/test_settings.py::test_a_key_that_can_be_guessed_is_refused",)),
    Attack("hashrate to a stranger by a boundary worker", "rights on both sides", "403",
           (ABUSE + "test_nobody_gives_hashrate_to_a_stranger",)),
    Attack("a role without consent", "an invitation waits", "alike for known and unknown",
           (PEOPLE + "test_a_role_waits_until_the_person_accepts",
            PEOPLE + "test_the_answer_and_the_lists_are_alike_for_known_and_unknown_addresses")),
    Attack("a role that one cannot leave", "none", "everybody may leave",
           (PEOPLE + "test_everybody_may_leave_but_the_only_owner",)),
    Attack("a link as a worker name", "names are never links", "text in every message",
           ("unit/notify/test_messages.py::test_message_names_sources_first_and_escapes_names",)),
    Attack("the address of a former holder", "the address follows Kratos", "nothing reaches them",
           (PEOPLE + "test_an_address_follows_kratos",)),
    Attack("U+212A in an address", "ASCII alone", "takes nothing over",
           (PEOPLE + "test_a_letter_that_lower_cases_into_ascii_takes_nothing_over",)),
    Attack("formulas as worker names", "an apostrophe before them", "text in a spreadsheet",
           (ABUSE + "test_formulas_are_text_in_a_report",
            "unit/schemas/test_csv_cell.py::test_what_would_be_computed_is_text")),
    Attack("scripts of another host in the reference", "Content-Security-Policy", "not loaded",
           ("contract/test_reference.py::test_the_policy_lets_nothing_else_in",)),
    Attack("a local user reads the secrets", "0600, folders 0700", "permission denied",
           ("unit/deploy/test_make_secrets.py::test_nobody_else_reads_a_secret",)),
    Attack("one process' database password", "a role for each process", "permission denied",
           (ROLES + "test_a_process_may_do_nothing_else",
            ROLES + "test_a_process_may_run_each_of_its_statements",
            "acceptance/test_database_roles.py::test_a_day_of_every_process_under_its_own_role")),
    Attack("`Origin` that is no address, cross-site without one", "none", "403",
           (SESSIONS + "test_a_page_of_another_site_changes_nothing_by_cookie",)),
    Attack("24 webhooks, links, keys at once", "20, 100, 50", "not one more",
           (AT_ONCE + "test_requests_at_once_pass_no_limit",)),
    Attack("first sign-ins at once", "one at a time", "one user, no 500",
           (SESSIONS + "test_first_sign_ins_at_once_make_one_user",)),
    Attack("wrong keys from the address of a right one", "60 a minute",
           "429 for wrong ones, right ones pass",
           (ABUSE + "test_wrong_keys_do_not_shut_out_the_right_one",)),
    Attack("a forged X-Forwarded-For", "the proxy's own address", "the doctor warns of wide ones",
           ("unit/deploy/test_doctor_settings.py::test_who_may_name_clients_is_narrow",)),
    Attack("webhooks into our network", "one rule where it is entered and sent", "400, not sent",
           ("unit/schemas/test_webhook_address.py::test_loopback_in_any_notation_is_refused",
            "unit/schemas/test_webhook_address.py::test_addresses_of_private_networks_are_not_public",
            "unit/notify/test_addresses.py::test_url_that_may_not_be_entered_is_not_sent_to")),
    Attack("`last_error` as a map of our names", "one message", "alike, known or not",
           ("unit/notify/test_addresses.py::test_error_does_not_say_whether_a_name_is_known_inside",)),
    Attack("a dump of the database", "hashes and sealed secrets", "opens nothing",
           (REST + "test_no_secret_stands_in_a_dump",
            PEOPLE + "test_codes_are_kept_nowhere_but_in_the_mail")),
    Attack("C1 controls and bidi overrides in titles", "one rule", "400",
           ("unit/schemas/test_titles.py::test_what_is_no_title_is_refused_everywhere",)),
    Attack("an answer of Kratos without end", "256 KiB", "503",
           (SESSIONS + "test_kratos_in_trouble_is_503_and_never_a_way_in",)),
    Attack("/metrics on the public port", "a port inside", "404",
           ("unit/deploy/test_hidden_metrics.py::test_hidden_unless_asked_for",)),
    Attack("the stream of a miner that has moved on", "rights anew at each heartbeat", "it ends",
           ("integration/api/test_moved_miner.py::test_an_event_stream_ends_with_the_right_to_it",
            "integration/api/test_moved_miner.py::test_figures_end_although_they_stand_still")),
)
# fmt: on


@cache
def functions_of(file: Path) -> dict[str, list[str]]:
    """Name → decorators of each test of the file."""
    return {
        node.name: [ast.unparse(each) for each in node.decorator_list]
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: row.attack)
def test_each_attack_is_made_by_a_test_that_runs(row: Attack) -> None:
    assert row.limit
    assert row.outcome
    assert row.tests
    for place in row.tests:
        file, _, name = place.partition("::")
        found = functions_of(TESTS / file)
        assert name in found, place
        assert not [mark for mark in found[name] if "skip" in mark or "xfail" in mark], place


def test_no_attack_stands_there_twice() -> None:
    names = [row.attack for row in ATTACKS]
    assert len(set(names)) == len(names)
