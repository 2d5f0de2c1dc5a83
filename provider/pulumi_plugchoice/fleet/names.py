"""Names of site files, and so of stacks, from the names of sites."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from anyascii import anyascii

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_plugchoice.api.models import Site

_LONGEST: Final = 50
# As people write them without umlauts; the library takes only the dots away.
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
# Names that Windows keeps for devices.
_DEVICES: Final = re.compile(r"con|prn|aux|nul|com\d|lpt\d")


def slugify(name: str) -> str:
    """Make a name of small letters, digits and hyphens: `Köln / Süd` is `koeln-sued`. May be empty.

    It is a file's name on any system, and a name that Pulumi allows for a stack.
    """
    words = re.findall("[a-z0-9]+", anyascii(name.translate(_UMLAUTS)).lower())
    return "-".join(words)[:_LONGEST].strip("-")


def name_sites(sites: Iterable[Site], taken: Iterable[str]) -> dict[str, str]:
    """Name each site: by its name, and by the start of its UUID too where that is not enough.

    The result does not depend on the order of the sites.

    Args:
        sites: those without a file.
        taken: names of files that exist.

    Returns:
        The name by UUID in lower case.
    """
    slugs = {site.uuid.lower(): slugify(site.name or "") for site in sites}
    used = Counter(slugs.values())
    names = {name.lower() for name in taken}
    result: dict[str, str] = {}
    for uuid, slug in sorted(slugs.items()):
        name = slug
        if not slug or used[slug] > 1 or slug in names or _DEVICES.fullmatch(slug):
            name = f"{slug or 'site'}-{uuid[:8]}"
        if name in names:
            name = f"{slug or 'site'}-{uuid}"
        names.add(name)
        result[uuid] = name
    return result
