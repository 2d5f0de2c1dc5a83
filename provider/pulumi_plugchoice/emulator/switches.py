"""How the emulated service behaves where the real one is undocumented, slow or odd."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Switches(BaseModel):
    """Every switch with its value after a reset."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    rate_limit_per_minute: int = Field(500, ge=0)
    """Requests of one user within a window."""
    rate_window_seconds: float = Field(60, gt=0)
    """Length of that window, and of the pause between two setups of a charger; tests scale it down."""
    latency_seconds: float = Field(0, ge=0)
    """Added to every answer of the API."""
    unknown_connector_before_validation: bool = True
    """An unknown connector number is a 404 before the body is looked at, or only after it."""
    error_style: Literal["guide", "laravel"] = "guide"
    """The `message` of a 422: the text of the vendor's guide, or the first error and a count."""
    foreign_charger_status: Literal[403, 404] = 403
    """Answer about chargers and sites a token may not see."""
    require_accept: bool = False
    """Without `Accept: application/json` answer 302 to /login."""
    throttle_before_auth: bool = False
    """The rate limit is looked at before the token."""
    page_size: int = Field(25, ge=1)
    extra_keys: bool = False
    """Unknown keys in all objects."""
    odd_readings: bool = False
    """Power readings such as "-" and " 0.0"."""
    odd_status: bool = False
    """Values of status fields that no document names."""
