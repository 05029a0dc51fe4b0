"""What is known of the exchange beside the answer: `metadata` on every output and service error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResponseMetadata:
    """How an answer came about; ``$metadata`` of the JavaScript SDK (PROTOCOL.md 10.4).

    Attributes:
        http_status_code: The last response's status; None if there was no response.
        request_id: The service's id of the request, to quote to AWS support.
        extended_request_id: The header ``x-amz-id-2``.
        cf_id: The header ``x-amz-cf-id``.
        attempts: How many requests were sent, the first included.
        total_retry_delay: Seconds waited between them.
    """

    http_status_code: int | None = None
    request_id: str | None = None
    extended_request_id: str | None = None
    cf_id: str | None = None
    attempts: int = 0
    total_retry_delay: float = 0.0


def set_attempts(metadata: ResponseMetadata, attempts: int, total_retry_delay: float) -> None:
    """Completes the metadata that only its maker has seen so far."""
    object.__setattr__(metadata, "attempts", attempts)
    object.__setattr__(metadata, "total_retry_delay", total_retry_delay)
