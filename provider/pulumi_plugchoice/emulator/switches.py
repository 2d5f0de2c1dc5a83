"""How the emulator behaves where the real service is undocumented, slow or unusual."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Switches(BaseModel):
    """Every switch, with its value after a reset."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    rate_limit_per_minute: int = Field(500, ge=0)
    """Requests that one user may make in a window."""
    rate_window_seconds: float = Field(60, gt=0)
    """Length of that window."""
    latency_seconds: float = Field(0, ge=0)
    """Added to every answer of the API."""
    error_style: Literal["guide", "laravel"] = "guide"
    """The `message` of a 422: the text of the vendor's guide, or the first error and a count."""
    foreign_charger_status: Literal[403, 404] = 403
    """The answer about a charger or site that the token may not see."""
    require_accept: bool = False
    """Answer 302 to /login unless the client sends `Accept: application/json`."""
    page_size: int = Field(25, ge=1)
    """Items on a page of a list."""
    extra_keys: bool = False
    """Add unknown keys to all objects."""
    odd_readings: bool = False
    """Power readings such as "-" and " 0.0"."""
    odd_status: bool = False
    """Status values that no document names."""
