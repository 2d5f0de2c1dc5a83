"""What is read of the Pulumi CLI's output."""

from __future__ import annotations

import pytest
from pulumi_plugchoice.fleet.stacks import name_resource

URN = "urn:pulumi:depot::sites::plugchoice:index:ChargingSite$pulumi-python:dynamic/plugchoice:ChargerConnector::"


@pytest.mark.parametrize(
    "name", ["site", "site-HRB-001-1", "site-a::b-1", "site-urn:pulumi:x::y-1", "site-::-1", "site-ü-1"]
)
def test_a_name_may_have_colons(name: str) -> None:
    """An identity can have them: it is part of the name."""
    assert name_resource(URN + name) == name
