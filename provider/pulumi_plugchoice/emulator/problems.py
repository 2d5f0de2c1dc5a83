"""The API's error answers."""

from __future__ import annotations

from typing import Any

TEXTS = {
    400: "Bad Request",
    401: "Unauthenticated.",
    403: "This action is unauthorized.",
    404: "Not Found",
    429: "Too Many Attempts.",
    500: "Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "The charger did not respond in time.",
}


def text_for(status: int) -> str:
    """The stock `message` of a status."""
    return TEXTS.get(status, f"Status {status}")


class ProblemError(Exception):
    def __init__(self, status: int, message: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(message or text_for(status))
        self.status = status
        self.headers = headers or {}

    def body(self, style: str) -> dict[str, Any]:
        """The JSON of the answer. `style` is the `error_style` switch."""
        del style
        return {"message": str(self)}


class InvalidError(ProblemError):
    """422, with texts for each field."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(422)
        self.errors = errors

    def body(self, style: str) -> dict[str, Any]:
        """In the style of the vendor's guide, or as current Laravel writes it."""
        if style == "guide":
            return {"message": "The given data was invalid.", "errors": self.errors}
        first, *more = [text for texts in self.errors.values() for text in texts]
        tail = f" (and {len(more)} more error{'s' if len(more) > 1 else ''})" if more else ""
        return {"message": first + tail, "errors": self.errors}


def not_found(model: str, key: object) -> ProblemError:
    """404 for an object that does not exist."""
    return ProblemError(404, f"No query results for model [App\\Models\\{model}] {key}")
