"""The fault matrix, through the client: every fault on every endpoint, once and always."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pulumi_plugchoice.api.client import PlugchoiceClient
from pulumi_plugchoice.api.retry import Backoff
from pulumi_plugchoice.api.transport import Transport
from pulumi_plugchoice.config import Options, Token
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.runtime.live import LiveConnectors
from pulumi_plugchoice.runtime.writes import settle
from support.emulator import SITE, TOKEN, charger_uuid
from support.matrix import DEADLINE, FAULTS, TIMEOUT, Fault

if TYPE_CHECKING:
    from support.emulator import Emulator

READS = [fault for fault in FAULTS if "GET" in fault.methods]
# "always" lasts as long as the deadline.
ONCE_AND_ALWAYS = pytest.mark.parametrize(
    "always", [pytest.param(False, id="once"), pytest.param(True, id="always", marks=pytest.mark.slow)]
)
PATIENCE = 30  # s
WANTED = {"phase_rotation": "STR", "max_amperage": 20}


def make_client(emulator: Emulator, fault: Fault | None = None, error: str | None = None) -> PlugchoiceClient:
    """A client with short time limits where they are what ends it; a busy machine must not end anything else."""
    timeout = TIMEOUT if fault and "delay_seconds" in fault.inject else PATIENCE
    options = Options(emulator.base_url, Token(TOKEN), timeout=timeout, deadline=DEADLINE if error else PATIENCE)
    return PlugchoiceClient(Transport(options, backoff=Backoff(first=0.02, longest=0.3, jitter=0.01)))


@ONCE_AND_ALWAYS
@pytest.mark.parametrize("endpoint", ["site list", "charger"])
@pytest.mark.parametrize("fault", READS, ids=lambda fault: fault.slug)
def test_reads(emulator: Emulator, fault: Fault, endpoint: str, *, always: bool) -> None:
    """A read succeeds or ends with one typed error; it never gives wrong data."""
    emulator.fault(**fault.inject, method="GET", times=None if always else 1)
    expected = fault.get_always if always else fault.get_once
    client = make_client(emulator, fault, expected)

    def read() -> list[tuple[str | None, int | None]]:
        found = client.site_connectors(SITE) if endpoint == "site list" else client.charger(charger_uuid(1)).connectors
        return [(connector.phase_rotation, connector.max_amperage) for connector in found]

    if expected is None:
        assert read() == [("RST", 16)] * (3 if endpoint == "site list" else 1)
    else:
        with pytest.raises(PlugchoiceError) as caught:
            read()
        assert type(caught.value).__name__ == expected
        assert "\n" not in str(caught.value)
        assert TOKEN not in str(caught.value)


@ONCE_AND_ALWAYS
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.slug)
def test_writes(emulator: Emulator, fault: Fault, *, always: bool) -> None:
    """A write succeeds only with proof; after an error the message and the live value agree."""
    expected = fault.put_always if always else fault.put_once
    client = make_client(emulator, fault, expected.error)
    live = LiveConnectors(client, lambda _: None)
    found = live.find(charger_uuid(1), 1, SITE)
    emulator.fault(**fault.inject, method="PUT", times=None if always else 1)

    with emulator.recording() as calls:
        if expected.error is None:
            settled = settle(client, live, found, WANTED)
            assert (settled.connector.phase_rotation, settled.connector.max_amperage) == ("STR", 20)
        else:
            with pytest.raises(PlugchoiceError) as caught:
                settle(client, live, found, WANTED)
            # WriteNotTaken is the WriteNotSettled of a connector that was read back.
            allowed = {expected.error} | ({"WriteNotTaken"} if expected.error == "WriteNotSettled" else set())
            assert type(caught.value).__name__ in allowed
            assert "\n" not in str(caught.value)

    assert emulator.live(1) == (("STR", 20) if expected.written else ("RST", 16))
    assert emulator.live(2) == ("RST", 16), "nobody else's values are touched"
    if expected.puts is not None:
        assert len(calls.puts) == expected.puts
    assert len(calls) < 60, "it waits between tries"


def test_an_unknown_result_of_a_write_is_explained(emulator: Emulator) -> None:
    """Neither the write nor the read after it is answered: the error says that, and what to do."""
    client = make_client(emulator, error="WriteNotSettled")
    live = LiveConnectors(client, lambda _: None)
    found = live.find(charger_uuid(1), 1, SITE)
    emulator.fault("reset_after", method="PUT", times=None)
    emulator.fault("reset_before", method="GET", times=None)

    with pytest.raises(PlugchoiceError) as caught:
        settle(client, live, found, WANTED)

    assert str(caught.value).startswith(
        "HRB-001/1: it is not known whether the write of STR, 20 A took effect (before: RST, 16 A): PUT "
    )
    assert str(caught.value).endswith("run the same command again: it reads first and writes only what differs")


@pytest.mark.slow
def test_two_thousand_connectors_of_fifty_sites_are_read_with_110_calls_at_most(emulator: Emulator) -> None:
    """40 connectors a site: two pages each."""
    emulator.reset(
        {
            "tokens": {TOKEN: {"user": "tester"}},
            "sites": [
                {
                    "name": f"site-{site}",
                    "chargers": [
                        {"identity": f"S{site}-{n}", "connectors": [{"connector_id": 1, "max_amperage": 16}]}
                        for n in range(40)
                    ],
                }
                for site in range(50)
            ],
        }
    )

    client = make_client(emulator)
    with emulator.recording() as calls:
        found = [connector for site in client.sites() for connector in client.site_connectors(site.uuid)]

    assert len(found) == 2000
    assert len(calls) <= 110
