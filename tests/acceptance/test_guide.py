"""The guide is one story: its pages are played in order, with the real CLI, and the outputs that they show are real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.doc_blocks import STORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.story import Story


@pytest.mark.long
def test_the_guide_is_what_happens(story: Story, record_property: Callable[[str, object], None]) -> None:
    """Every block of every page, in the order of the guide; then the how-to pages that need such a project."""
    count = sum(story.play(page) for page in STORY)
    record_property("code blocks of the guide", count)
