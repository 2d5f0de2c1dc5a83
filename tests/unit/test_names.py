"""Names of site files, from the names of sites."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_plugchoice.api.models import Site
from pulumi_plugchoice.fleet.names import name_sites, slugify

A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"
C = "aaaaaaaa-0000-4000-8000-000000000003"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Harbour", "harbour"),
        ("Köln / Süd, Halle Ü", "koeln-sued-halle-ue"),
        ("Åkersgata 12", "akersgata-12"),
        ("Łódź, Północ", "lodz-polnoc"),
        ("Москва", "moskva"),
        ("../../etc/passwd", "etc-passwd"),
        ("a" * 80, "a" * 50),
        ("", ""),
        (" . ", ""),
    ],
)
def test_a_name_becomes_letters_digits_and_hyphens(name: str, slug: str) -> None:
    """As people write it without their alphabet's own letters."""
    assert slugify(name) == slug


@given(st.text(max_size=200))
def test_any_name_is_a_name_of_a_stack(name: str) -> None:
    """Pulumi allows letters, digits, hyphens, underscores and periods."""
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", slugify(name))


@pytest.mark.parametrize(
    ("names", "taken", "expected"),
    [
        ({A: "Depot"}, [], {A: "depot"}),
        ({A: "Depot", B: "depot!"}, [], {A: "depot-aaaaaaaa", B: "depot-bbbbbbbb"}),
        ({A: "Depot", C: "Depot"}, [], {A: "depot-aaaaaaaa", C: f"depot-{C}"}),
        ({A: "Depot"}, ["depot"], {A: "depot-aaaaaaaa"}),
        ({A: "Depot"}, ["DEPOT", "depot-aaaaaaaa"], {A: f"depot-{A}"}),
        ({A: ""}, [], {A: "site-aaaaaaaa"}),
        ({A: "CON"}, [], {A: "con-aaaaaaaa"}),
    ],
)
def test_sites_of_one_name_get_a_part_of_their_uuid(
    names: dict[str, str], taken: list[str], expected: dict[str, str]
) -> None:
    """Whatever their order; a file that exists keeps its name."""
    sites = [Site(uuid=uuid, name=name) for uuid, name in names.items()]
    assert name_sites(sites, taken) == expected
    assert name_sites(reversed(sites), taken) == expected
