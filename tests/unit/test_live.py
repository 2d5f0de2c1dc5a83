"""live.py: the live connectors are read once for all resources, and what was written last wins."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from pulumi_plugchoice.api.models import (
    Charger,
    ChargerReference,
    Connector,
    Permissions,
    SiteConnector,
    SiteGroup,
)
from pulumi_plugchoice.api.rows import InvalidRow, SiteListing
from pulumi_plugchoice.errors import (
    ApiError,
    ConnectorMoved,
    ConnectorNotFound,
    IdentityNotFound,
    InvalidConnector,
    NotFound,
    PermissionDenied,
    PlugchoiceError,
    RouteNotFound,
    TransportError,
)
from pulumi_plugchoice.runtime.live import (
    LIFETIME_SECONDS,
    PROOF_LIFETIME_SECONDS,
    Live,
    LiveConnectors,
    is_about_site,
)
from support.fakes import Clock, FakeClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_plugchoice.api.retry import Deadline

SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
FIRST, SECOND, OTHER = (f"5f0c3c1e-0000-4000-8000-00000000000{index}" for index in (1, 2, 3))
THREADS = 8


@dataclass
class Run:
    """One run: a site with two chargers, another charger beside it, and what was said."""

    clock: Clock = field(default_factory=Clock)
    said: list[str] = field(default_factory=list)
    client: FakeClient = field(
        default_factory=lambda: FakeClient(
            chargers={FIRST: {1: ("RST", 16), 2: ("STR", 16)}, SECOND: {1: ("TRS", 32)}, OTHER: {1: (None, None)}},
            chargers_on={SITE: [FIRST, SECOND]},
            identities={FIRST: "HRB-001", SECOND: "HRB-002", OTHER: "HRB-003"},
        )
    )
    proof_seconds: float = 0.0

    def __post_init__(self) -> None:
        """The readings under test."""
        self.live = LiveConnectors(self.client, self.said.append, clock=self.clock, proof_seconds=self.proof_seconds)

    def rotation(self, charger: str = FIRST, number: int = 1, site: str | None = SITE) -> str | None:
        """What the run believes."""
        return self.live.find(charger, number, site).connector.phase_rotation


def at_once(ask: Callable[[], object]) -> list[object]:
    """The results, or errors, of 8 threads that ask at the same time."""
    barrier = threading.Barrier(THREADS)

    def one() -> object:
        barrier.wait(10)
        try:
            return ask()
        except PlugchoiceError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result(20) for future in [pool.submit(one) for _ in range(THREADS)]]


def hold_until_all_ask(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first read is answered only when all threads have asked: each looks at the flights under the lock."""
    asked = threading.Semaphore(0)
    real = LiveConnectors.find

    def counted(self: LiveConnectors, charger: str, connector_id: int, site: str | None) -> Live:
        asked.release()
        return real(self, charger, connector_id, site)

    def wait(_: str) -> None:
        assert all(asked.acquire(timeout=10) for _ in range(THREADS))

    monkeypatch.setattr(LiveConnectors, "find", counted)
    run.client.before = wait


@pytest.mark.parametrize(("site", "call"), [(SITE, f"GET site {SITE}"), (None, f"GET charger {FIRST}")])
def test_eight_threads_cause_one_read(monkeypatch: pytest.MonkeyPatch, site: str | None, call: str) -> None:
    """The engine asks for four connectors at once; they wait for the first one's read."""
    run = Run()
    hold_until_all_ask(run, monkeypatch)
    results = at_once(lambda: run.live.find(FIRST, 1, site))
    assert run.client.calls == [call]
    assert {result.name for result in results if isinstance(result, Live)} == {"HRB-001/1"}
    assert len(results) == THREADS


def test_eight_threads_share_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that cannot be read is asked for once, not once for each resource."""
    run = Run()
    run.client.chargers_on.clear()
    hold_until_all_ask(run, monkeypatch)
    results = at_once(lambda: run.live.find(FIRST, 1, SITE))
    assert run.client.calls == [f"GET site {SITE}"]
    assert all(isinstance(result, NotFound) for result in results)
    with pytest.raises(NotFound):
        run.live.find(SECOND, 1, SITE)
    assert len(run.client.calls) == 1


def test_every_connector_of_a_site_comes_from_one_read() -> None:
    """Whatever the order."""
    run = Run()
    found = [run.live.find(*key, SITE) for key in ((SECOND, 1), (FIRST, 2), (FIRST, 1), (SECOND, 1))]
    assert [live.name for live in found] == ["HRB-002/1", "HRB-001/2", "HRB-001/1", "HRB-002/1"]
    assert [live.connector.phase_rotation for live in found] == ["TRS", "STR", "RST", "TRS"]
    assert run.client.calls == [f"GET site {SITE}"]


def test_without_a_site_each_charger_is_read_once() -> None:
    """With all of its connectors."""
    run = Run()
    for key in ((FIRST, 1), (FIRST, 2), (SECOND, 1), (FIRST, 1)):
        run.live.find(*key, None)
    assert run.client.calls == [f"GET charger {FIRST}", f"GET charger {SECOND}"]


def test_uuids_of_the_api_are_compared_in_lower_case() -> None:
    """Ours are lower case already."""
    run = Run()
    run.client.chargers[FIRST.upper()] = run.client.chargers.pop(FIRST)
    run.client.chargers_on[SITE] = [FIRST.upper()]
    assert run.rotation() == "RST"


@pytest.mark.parametrize("site", [SITE, None])
def test_a_reading_lives_for_a_minute(site: str | None) -> None:
    """After that the API is asked again."""
    run = Run()
    assert run.rotation(site=site) == "RST"
    run.client.chargers[FIRST][1] = ("TSR", 16)
    run.clock.now += LIFETIME_SECONDS - 1
    assert run.rotation(site=site) == "RST"
    run.clock.now += 1
    assert run.rotation(site=site) == "TSR"
    assert LIFETIME_SECONDS == 60
    assert len(run.client.calls) == 2


def test_an_error_lives_no_longer_than_a_reading() -> None:
    """A run that goes on after a minute finds a service that has recovered."""
    run = Run()
    listed, run.client.chargers_on = run.client.chargers_on, {}
    with pytest.raises(NotFound):
        run.rotation()
    run.client.chargers_on = listed
    run.clock.now += LIFETIME_SECONDS
    assert run.rotation() == "RST"


def test_a_write_after_a_reading_wins() -> None:
    """Without another call."""
    run = Run()
    run.rotation()
    run.live.update(FIRST, Connector(connector_id=1, phase_rotation="STR", max_amperage=20))
    assert run.rotation() == "STR"
    assert run.rotation(number=2) == "STR"
    assert run.client.calls == [f"GET site {SITE}"]


def test_a_reading_after_a_write_wins() -> None:
    """Somebody else may have changed it since."""
    run = Run()
    run.live.update(FIRST, Connector(connector_id=1, phase_rotation="STR", max_amperage=20))
    assert run.rotation() == "RST"


def test_a_write_during_a_reading_wins() -> None:
    """The page with the old value may have been on its way already."""
    run = Run()
    written = Connector(connector_id=1, phase_rotation="STR", max_amperage=20)
    run.client.before = lambda _: run.live.update(FIRST, written)
    assert run.rotation() == "STR"


def test_read_now_passes_the_shared_reading_and_updates_it() -> None:
    """A write has to start from what is there, and so do the others from then on."""
    run = Run()
    run.rotation()
    run.client.chargers[FIRST][1] = ("TSR", 16)
    assert run.rotation() == "RST"
    assert run.live.read_now(FIRST, 1).connector.phase_rotation == "TSR"
    assert run.rotation() == "TSR"
    assert run.client.calls == [f"GET site {SITE}", f"GET charger {FIRST}"]


def test_a_charger_that_the_site_does_not_list_is_read_by_itself_with_one_notice() -> None:
    """A wrong `site` costs calls, not correctness; the user is told once."""
    run = Run()
    for _ in range(3):
        assert run.live.find(OTHER, 1, SITE).name == "HRB-003/1"
    assert run.client.calls == [f"GET site {SITE}", f"GET charger {OTHER}"]
    assert run.said == [f"charger {OTHER}: not on the list of site {SITE}; read separately"]


@pytest.mark.parametrize("site", [SITE, None])
def test_an_unknown_number_names_those_that_exist(site: str | None) -> None:
    """The charger answers, so this is no 404."""
    run = Run()
    with pytest.raises(ConnectorNotFound) as refused:
        run.live.find(FIRST, 3, site)
    assert str(refused.value) == "charger HRB-001 has no connector 3; it has 1, 2"


def test_an_answer_about_another_charger_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two resources' values must never be mixed up."""
    run = Run()
    answered = Charger(uuid=SECOND, connectors=(Connector(connector_id=1, phase_rotation="TRS", max_amperage=None),))
    monkeypatch.setattr(run.client, "charger", lambda *_: answered)
    with pytest.raises(PlugchoiceError) as refused:
        run.live.find(FIRST, 1, None)
    assert str(refused.value) == f"charger {FIRST}: the answer is about charger {SECOND} and is not used"


def test_a_charger_without_identity_is_named_by_its_uuid() -> None:
    """In messages."""
    run = Run()
    run.client.identities.clear()
    assert run.live.find(FIRST, 2, SITE).name == f"{FIRST}/2"


def test_an_identity_is_looked_up_on_the_sites_list() -> None:
    """With the same read that gives the values."""
    run = Run()
    assert run.live.find_charger("HRB-002", SITE) == SECOND
    assert run.rotation(SECOND) == "TRS"
    assert run.client.calls == [f"GET site {SITE}"]


def test_an_unknown_identity_lists_those_of_the_site() -> None:
    """So that a typing mistake is seen; identities are compared as they are. The closest comes first."""
    run = Run()
    with pytest.raises(IdentityNotFound) as refused:
        run.live.find_charger("hrb-002", SITE)
    assert str(refused.value) == (
        f"charger 'hrb-002': not found on site {SITE}; closest: 'HRB-002' ({SECOND}); it lists HRB-001, HRB-002"
    )


@pytest.mark.parametrize(
    ("identity", "shown"),
    [("HRB-002 ", r"HRB-002\x20"), ("HRB-\u200b002", r"HRB-\u200b002"), ("\u041dRB-002", r"\u041dRB-002")],
)
def test_an_identity_that_only_looks_like_the_declared_one_is_shown_with_its_odd_characters(
    identity: str, shown: str
) -> None:
    """As they are, the message would say that HRB-002 is not found and that the site lists HRB-002."""
    run = Run()
    run.client.identities[SECOND] = identity
    with pytest.raises(IdentityNotFound) as refused:
        run.live.find_charger("HRB-002", SITE)
    assert f"closest: '{shown}' ({SECOND}); it lists " in str(refused.value)
    assert str(refused.value).count(shown) == 2
    assert run.live.find_charger(identity, SITE) == SECOND


def test_an_unknown_identity_lists_thirty_at_most() -> None:
    """And counts the others."""
    run = Run()
    chargers = [f"5f0c3c1e-0000-4000-8000-{index:012d}" for index in range(100, 133)]
    run.client.chargers = {charger: {1: ("RST", 16)} for charger in chargers}
    run.client.identities = {charger: f"C{charger[-3:]}" for charger in chargers}
    run.client.chargers_on = {SITE: chargers}
    with pytest.raises(IdentityNotFound) as refused:
        run.live.find_charger("nobody", SITE)
    listed = ", ".join(f"C{index}" for index in range(100, 130))
    assert str(refused.value) == f"charger 'nobody': not found on site {SITE}; it lists {listed} and 3 more"


def test_an_empty_site_says_so() -> None:
    """A charger without connectors is not on the list."""
    run = Run()
    run.client.chargers_on[SITE] = []
    with pytest.raises(IdentityNotFound) as refused:
        run.live.find_charger("HRB-001", SITE)
    assert str(refused.value) == (f"charger 'HRB-001': not found on site {SITE}; it lists no charger with a connector")


def test_an_ambiguous_identity_asks_for_the_uuid() -> None:
    """Guessing would write to the wrong charger."""
    run = Run()
    run.client.identities[SECOND] = "HRB-001"
    with pytest.raises(IdentityNotFound) as refused:
        run.live.find_charger("HRB-001", SITE)
    assert str(refused.value) == (
        f"charger 'HRB-001': 2 chargers of site {SITE} have this identity; declare the UUID instead: "
        f"{FIRST} or {SECOND}"
    )


def test_without_an_answer_nothing_is_proven() -> None:
    """A token without access gets 404 for all: no charger is gone."""
    run = Run()
    assert not run.live.is_gone(FIRST, SITE)
    assert not run.live.is_gone(FIRST, None)


def test_the_sites_list_proves_that_a_charger_is_gone() -> None:
    """The token sees the site."""
    run = Run()
    run.rotation()
    assert run.live.is_gone(OTHER, SITE)


def test_another_charger_proves_that_a_charger_is_gone() -> None:
    """The token sees something."""
    run = Run()
    run.rotation(SECOND, site=None)
    assert run.live.is_gone(FIRST, None)


def test_a_chargers_own_earlier_answer_proves_nothing() -> None:
    """Permission may have been lost since; that would look the same."""
    run = Run()
    run.rotation(FIRST, site=None)
    assert not run.live.is_gone(FIRST, None)


def test_a_read_that_failed_proves_nothing() -> None:
    """Only answers do."""
    run = Run()

    def fail(call: str) -> None:
        raise TransportError("GET", call, "the connection was lost")

    run.client.before = fail
    with pytest.raises(TransportError):
        run.rotation()
    with pytest.raises(TransportError):
        run.rotation(SECOND, site=None)
    assert not run.live.is_gone(FIRST, SITE)


@pytest.mark.parametrize(
    ("site", "again"), [(SITE, f"GET site {SITE}"), (None, f"GET charger {SECOND}")], ids=["site", "charger"]
)
def test_an_old_answer_proves_nothing_so_it_is_asked_for_again(site: str | None, again: str) -> None:
    """A wait lies between; the token may have lost its access meanwhile, and then everything answers 404."""
    run = Run()
    run.rotation(SECOND, site=site)
    run.clock.now += 30
    run.client.calls.clear()
    assert run.live.is_gone(OTHER, site)
    assert run.live.is_gone(OTHER, site), "the new answer counts as well"
    assert run.client.calls == [again]

    run.clock.now += 30
    run.client.chargers_on.clear()
    run.client.chargers.clear()
    assert not run.live.is_gone(OTHER, site)


def test_proof_waits_for_another_chargers_answer() -> None:
    """The engine may have asked for the missing one first."""
    run = Run(proof_seconds=20)
    with ThreadPoolExecutor(1) as pool:
        proven = pool.submit(run.live.is_gone, FIRST, None)
        assert not proven.done()
        run.rotation(SECOND, site=None)
        assert proven.result(10)


def listing(*chargers: str, invalid: tuple[InvalidRow, ...] = (), may_lack_rows: bool = False) -> SiteListing:
    """A site's list with connector 1 of each charger."""
    rows = tuple(
        SiteConnector(
            connector_id=1, phase_rotation="RST", max_amperage=16, charger=ChargerReference(uuid=charger, identity=None)
        )
        for charger in chargers
    )
    invalid_chargers = {row.charger.uuid.lower(): row.charger.identity for row in invalid if row.charger}
    return SiteListing(rows, invalid, dict.fromkeys(chargers) | invalid_chargers, may_lack_rows)


def lists(run: Run, *answers: SiteListing) -> None:
    """Let the site answer with each list in turn; the last one stays."""
    left = list(answers)

    def site_listing(site: str) -> SiteListing:
        run.client.calls.append(f"GET site {site}")
        return left.pop(0) if len(left) > 1 else left[0]

    run.client.site_listing = site_listing  # type: ignore[method-assign] # a stand-in


NAMELESS = InvalidRow(3, None, None, "charger: Field required")


def test_a_site_is_shown_with_what_cannot_be_used() -> None:
    """And with our own writes since; whether rows may have got lost is passed on."""
    run = Run()
    broken = InvalidRow(2, ChargerReference(uuid=SECOND.upper(), identity="HRB-002"), 1, "max_amperage: not a number")
    lists(run, listing(FIRST, invalid=(broken, NAMELESS), may_lack_rows=True))
    run.live.update(OTHER, Connector(connector_id=1, phase_rotation="STR", max_amperage=20))
    run.live.read_site(SITE)
    run.live.update(FIRST, Connector(connector_id=1, phase_rotation="TRS", max_amperage=10))

    shown = run.live.read_site(SITE)

    assert [(live.charger, live.connector.phase_rotation) for live in shown.connectors] == [(FIRST, "TRS")]
    assert shown.invalid == {
        "HRB-002/1": "max_amperage: not a number",
        "row 3 of the list": "charger: Field required",
    }
    assert shown.may_lack_rows
    assert run.client.calls == [f"GET site {SITE}"]
    with pytest.raises(InvalidConnector) as refused:
        run.live.find(SECOND, 1, SITE)
    assert str(refused.value).startswith("HRB-002/1: ")
    assert "max_amperage: not a number" in str(refused.value)
    with pytest.raises(ConnectorNotFound, match=r"has no connector 2; it has 1$"):
        run.live.find(SECOND, 2, SITE)


def test_a_site_is_read_again_once_and_now_each_time() -> None:
    """The second reading is shared as the first is; a reading of this moment is not."""
    run = Run()
    first, second, third = (listing(FIRST), listing(FIRST, SECOND), listing(FIRST, SECOND, OTHER))
    lists(run, first, second, third)
    assert len(run.live.read_site(SITE).connectors) == 1
    assert len(run.live.read_site_again(SITE).connectors) == 2
    assert len(run.live.read_site_again(SITE).connectors) == 2
    assert len(run.live.read_site_now(SITE).connectors) == 3
    assert len(run.live.read_site(SITE).connectors) == 1
    assert not run.live.read_site(SITE).may_lack_rows
    run.live.read_site_now(SITE)
    assert run.client.calls == [f"GET site {SITE}"] * 4


def test_a_connector_that_names_its_site_is_looked_for_in_a_second_reading() -> None:
    """A list in pages can lose a row. What the second one has is used; what neither has, has moved."""
    run = Run()
    lists(run, listing(SECOND), listing(SECOND, FIRST))
    run.client.chargers[FIRST] = {1: ("TSR", 10)}
    assert run.live.find(FIRST, 1, SITE, is_of_site=True).connector.phase_rotation == "RST"
    assert run.client.calls == [f"GET site {SITE}", f"GET charger {FIRST}", f"GET site {SITE}"]
    with pytest.raises(ConnectorMoved) as moved:
        run.live.find(OTHER, 1, SITE, is_of_site=True)
    assert str(moved.value) == (
        f"HRB-003/1: the charger answers, but site {SITE} does not list it any more; declare the site that it is on, "
        "or take the connector out of the program"
    )
    assert run.said == []


def test_a_row_that_names_no_charger_may_be_the_connector() -> None:
    """So it has not moved for sure."""
    run = Run()
    lists(run, listing(SECOND, invalid=(NAMELESS,)))
    assert run.live.find(OTHER, 1, SITE, is_of_site=True).name == "HRB-003/1"
    assert run.said == [f"charger {OTHER}: not on the list of site {SITE}; read separately"]


def test_a_number_that_the_list_lacks_is_read_separately_with_its_name() -> None:
    """Its charger is on the list, so it has not moved: no second reading."""
    run = Run()
    lists(run, listing(FIRST))
    assert run.live.find(FIRST, 2, SITE, is_of_site=True).connector.phase_rotation == "STR"
    assert run.client.calls == [f"GET site {SITE}", f"GET charger {FIRST}"]
    assert run.said == [f"HRB-001/2: not on the list of site {SITE}; read separately"]


@pytest.mark.parametrize(("may_lack_rows", "calls"), [(True, 2), (False, 1)])
def test_an_identity_is_looked_for_again_where_a_row_may_be_missing(may_lack_rows: bool, calls: int) -> None:
    """Not where the list is complete, and not for one that is there."""
    run = Run()
    known = SiteListing((), (), {FIRST: "HRB-001"}, may_lack_rows)
    lists(run, known, SiteListing((), (), {FIRST: "HRB-001", SECOND: "HRB-002"}))
    assert run.live.find_charger("HRB-001", SITE) == FIRST
    assert len(run.client.calls) == 1
    if may_lack_rows:
        assert run.live.find_charger("HRB-002", SITE) == SECOND
    else:
        with pytest.raises(IdentityNotFound):
            run.live.find_charger("HRB-002", SITE)
    assert run.client.calls == [f"GET site {SITE}"] * calls


def test_the_groups_of_a_site_are_read_once() -> None:
    """Each site's own."""
    run = Run()

    def site_groups(site: str) -> list[SiteGroup]:
        run.client.calls.append(f"groups {site}")
        return [SiteGroup(id=len(site))]

    run.client.site_groups = site_groups  # type: ignore[method-assign] # a stand-in
    assert run.live.list_groups(SITE) == run.live.list_groups(SITE) == [SiteGroup(id=36)]
    assert run.live.list_groups("other") == [SiteGroup(id=5)]
    assert run.client.calls == [f"groups {SITE}", "groups other"]


def test_chargers_that_the_token_may_not_write_to_are_found() -> None:
    """From the charger itself where it was read, else from the list of its site's chargers, within 3 s for all."""
    run = Run()
    asked: list[tuple[str, set[str]]] = []
    deadlines: list[Deadline] = []

    def without_access(site: str, wanted: set[str], until: Deadline) -> set[str]:
        asked.append((site, wanted))
        deadlines.append(until)
        if site == "broken":
            raise TransportError("GET", site, "lost")
        return {min(wanted)}

    run.client.chargers_without_full_access = without_access  # type: ignore[method-assign,assignment] # a stand-in
    known = Charger(
        uuid=OTHER,
        permissions=Permissions(full=False),
        connectors=(Connector(connector_id=1, phase_rotation=None, max_amperage=None),),
    )
    real = run.client.charger
    run.client.charger = lambda charger, *more: known if charger == OTHER else real(charger, *more)  # type: ignore[method-assign] # a stand-in
    run.live.find(OTHER, 1, None)
    run.live.find(FIRST, 1, None)

    refused, errors = run.live.find_refused(
        [("e", "s2"), (FIRST, SITE), (SECOND, SITE), (OTHER, SITE), ("d", "broken"), ("x", None)]
    )

    assert refused == {FIRST, OTHER, "e"}
    assert [str(error) for error in errors] == ["GET broken: lost"]
    assert asked == [("s2", {"e"}), (SITE, {FIRST, SECOND}), ("broken", {"d"})]
    assert {deadline is deadlines[0] for deadline in deadlines} == {True}
    assert 2 < deadlines[0].left() <= 3
    assert run.live.find_refused([("x", None)]) == (set(), [])


@pytest.mark.parametrize("permissions", [None, Permissions(), Permissions(full=True)])
def test_only_an_explicit_no_is_a_refusal(permissions: Permissions | None) -> None:
    """What the API does not say proves nothing."""
    run = Run()
    charger = Charger(
        uuid=OTHER,
        permissions=permissions,
        connectors=(Connector(connector_id=1, phase_rotation=None, max_amperage=None),),
    )
    run.client.charger = lambda *_: charger  # type: ignore[method-assign] # a stand-in
    run.live.find(OTHER, 1, None)
    assert run.live.find_refused([(OTHER, None)]) == (set(), [])


def test_a_token_without_any_charger_is_found_by_one_question() -> None:
    """Which is not asked when the run has read something."""
    for has_chargers in (True, False):
        run = Run()

        def ask(run: Run = run, answer: bool = has_chargers) -> bool:
            run.client.calls.append("any")
            return answer

        run.client.has_chargers = ask  # type: ignore[method-assign] # a stand-in
        assert run.live.sees_no_charger() is not has_chargers
        assert run.live.sees_no_charger() is not has_chargers
        assert run.client.calls == ["any"]
    for site in (SITE, None):
        run = Run()
        run.client.has_chargers = ask  # type: ignore[method-assign] # a stand-in
        run.rotation(site=site)
        assert not run.live.sees_no_charger()
        assert "any" not in run.client.calls
    run = Run()
    run.client.chargers_on[SITE] = []
    run.live.read_site(SITE)
    assert not run.live.sees_no_charger(), "an empty site was read too"


@pytest.mark.parametrize("refusal", [NotFound, PermissionDenied, RouteNotFound])
def test_a_list_that_may_not_be_asked_for_says_nothing(refusal: type[ApiError]) -> None:
    """The token may see chargers all the same. Another failure is raised."""
    run = Run()

    def ask() -> bool:
        raise refusal("GET", "/v3/chargers", 404)

    run.client.has_chargers = ask  # type: ignore[method-assign] # a stand-in
    assert not run.live.sees_no_charger()


@pytest.mark.parametrize(
    ("error", "is_the_sites"),
    [
        (NotFound("GET", f"/v3/sites/{SITE}/connectors", 404), True),
        (PermissionDenied("GET", f"/v3/sites/{SITE}/connectors", 403), True),
        (NotFound("GET", f"/v3/chargers/{FIRST}", 404), False),
        (TransportError("GET", f"/v3/sites/{SITE}/connectors", "lost"), False),
        (PlugchoiceError("something else"), False),
    ],
)
def test_a_refusal_is_the_sites_by_its_path(error: PlugchoiceError, is_the_sites: bool) -> None:
    """Then no connector of the site can be read."""
    assert is_about_site(error) is is_the_sites


@pytest.mark.parametrize(("newest", "again"), [("site", f"GET site {SITE}"), ("charger", f"GET charger {SECOND}")])
def test_the_newest_answer_is_the_proof(newest: str, again: str) -> None:
    """An older one beside it is not asked for again. A site's list is newer than the chargers that it tells of."""
    run = Run()
    asks: list[Callable[[], object]] = [lambda: run.live.read_site_now(SITE), lambda: run.live.read_now(SECOND, 1)]
    for ask in asks if newest == "charger" else reversed(asks):
        ask()
        run.clock.now += 4
    run.client.calls.clear()
    assert run.live.is_gone(OTHER, SITE)
    assert run.client.calls == []
    run.clock.now += 2
    assert run.live.is_gone(OTHER, SITE)
    assert run.client.calls == [again]


def test_an_answer_proves_for_five_seconds() -> None:
    """To the last."""
    run = Run()
    run.live._clock = lambda: run.clock.now
    run.live.read_now(SECOND, 1)
    run.client.calls.clear()
    run.clock.now += PROOF_LIFETIME_SECONDS
    assert run.live.is_gone(FIRST, None)
    assert run.client.calls == []
    assert PROOF_LIFETIME_SECONDS == 5


def test_a_reading_for_a_write_has_its_deadline_and_its_turn() -> None:
    """So that nothing waits between the read and the PUT."""
    run = Run()
    deadline = run.client.deadline(7)
    run.client.in_turn(1, deadline, lambda turn: run.live.read_now(FIRST, 1, deadline, turn))
    assert run.client.read_deadlines == [deadline]
    assert run.client.calls_in_turn == [f"GET charger {FIRST}"]


def test_each_site_has_its_own_readings() -> None:
    """The first one, and the second one."""
    run = Run()
    run.client.chargers_on["other"] = [OTHER]
    assert run.rotation() == "RST"
    assert [live.charger for live in run.live.read_site("other").connectors] == [OTHER]
    assert len(run.live.read_site_again(SITE).connectors) == 3
    assert len(run.live.read_site_again("other").connectors) == 1


def test_a_row_without_a_number_is_about_no_connector() -> None:
    """Its charger is on the list all the same."""
    run = Run()
    lists(run, listing(FIRST, invalid=(InvalidRow(2, ChargerReference(uuid=OTHER, identity=None), None, "odd"),)))
    assert run.live.read_site(SITE).invalid == {f"{OTHER}/?": "odd"}
    assert run.live.find(OTHER, 1, SITE, is_of_site=True).charger == OTHER
    assert run.said == [f"HRB-003/1: not on the list of site {SITE}; read separately"]
    with pytest.raises(ConnectorNotFound):
        run.live.find(FIRST, 9, SITE)


def test_a_write_after_a_reading_of_the_charger_wins() -> None:
    """As with a site."""
    run = Run()
    assert run.rotation(site=None) == "RST"
    run.live.update(FIRST, Connector(connector_id=1, phase_rotation="STR", max_amperage=20))
    assert run.rotation(site=None) == "STR"
    run.live.read_now(FIRST, 1)
    assert run.rotation(site=None) == "RST"


def test_a_wrong_answer_is_quoted_in_part() -> None:
    """A server may send anything as a UUID."""
    run = Run()
    answered = Charger.model_construct(uuid="u" * 61, connectors=())
    run.client.charger = lambda *_: answered  # type: ignore[method-assign] # a stand-in
    with pytest.raises(PlugchoiceError) as refused:
        run.live.find(FIRST, 1, None)
    assert str(refused.value) == f"charger {FIRST}: the answer is about charger {'u' * 59}… and is not used"


def test_a_row_without_a_charger_is_about_no_connector() -> None:
    """Also one that has a number."""
    run = Run()
    lists(run, listing(FIRST, invalid=(InvalidRow(2, None, 1, "odd"),)))
    assert run.live.read_site(SITE).invalid == {"row 2 of the list": "odd"}
    assert run.live.find(OTHER, 1, SITE, is_of_site=True).charger == OTHER


def test_a_write_at_the_moment_of_a_reading_wins() -> None:
    """A clock may stand still for both."""
    run = Run()
    run.live._clock = lambda: 1000.0
    run.client.before = lambda _: run.live.update(
        FIRST, Connector(connector_id=1, phase_rotation="STR", max_amperage=20)
    )
    assert run.rotation(site=None) == "STR"


def test_a_long_identity_is_cut_in_an_error() -> None:
    """At 60 characters."""
    run = Run()
    reference = ChargerReference(uuid=FIRST, identity="H" * 61)
    lists(run, listing(invalid=(InvalidRow(1, reference, 1, "odd"),)))
    with pytest.raises(InvalidConnector) as refused:
        run.live.find(FIRST, 1, SITE)
    assert str(refused.value).startswith(f"{'H' * 59}…/1: ")
