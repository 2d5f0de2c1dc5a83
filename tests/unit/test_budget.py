"""The line that says what a run cost."""

from __future__ import annotations

from pulumi_plugchoice.api.budget import Budget


def test_a_run_without_a_call_says_nothing() -> None:
    """An offline preview, a destroy that retains."""
    assert Budget().summarize(3, 1) is None


def test_requests_retries_and_waits_are_counted() -> None:
    """Reads, writes, the token, retries, waiting, and the request limit of the last answer."""
    now = 100.0
    budget = Budget(lambda: now)
    budget.count_request("POST", "/oauth/token")
    for _ in range(2):
        budget.count_request("GET", "/v3/sites/x/connectors")
    budget.count_request("PUT", "/v3/chargers/x/connectors/1")
    budget.count_retry(1.25)
    now = 200.0
    budget.count_wait(0.25)
    budget.note_limit({"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "456"})
    budget.note_limit({})

    assert budget.summarize() == (
        "API calls: 4 (2 reads, 1 write, 1 for a token), 1 retry, waited 1.5 s, 456 of 500 left this minute"
    )


def test_a_preview_says_what_its_update_will_need() -> None:
    """The same reads again, one more for each partial write, and the writes."""
    budget = Budget()
    budget.count_request("GET", "/v3/sites/x/connectors")
    budget.count_request("GET", "/v3/sites/x/connectors?page=2")

    assert budget.summarize(planned_writes=5, planned_reads=1) == (
        "API calls: 2 (2 reads, 0 writes); the update will need about 8 (3 reads, 5 writes)"
    )


def test_headers_that_are_not_numbers_are_not_shown() -> None:
    """A server's text does not reach the terminal this way."""
    budget = Budget()
    budget.count_request("GET", "/v3/user")
    budget.note_limit({"X-RateLimit-Limit": "\x1b[31m", "X-RateLimit-Remaining": "many"})

    assert budget.summarize() == "API calls: 1 (1 read, 0 writes)"


def test_waits_of_several_threads_count_once() -> None:
    """The line tells how much later the run ended, not a sum that is longer than the run."""
    now = 0.0
    budget = Budget(lambda: now)
    budget.count_request("GET", "/v3/user")
    for now, waited in ((60.0, 60.0), (60.0, 55.0), (61.0, 20.0), (70.0, 2.0), (71.0, 0.0)):  # noqa: B007 - the clock reads it
        budget.count_wait(waited)

    assert budget.summarize() == "API calls: 1 (1 read, 0 writes), waited 63.0 s"
