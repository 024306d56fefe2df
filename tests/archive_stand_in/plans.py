"""What the stand-in is told to do with a request instead of what it would do by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One request's fate; made by the functions below.

    Attributes:
        status, headers, body: A raw HTTP answer. In headers and body ``{timestamp}`` and
            ``{url}`` stand for the capture's (with ``captured``), ``{base}`` for the stand-in.
        silence: "hang": nothing comes until the stand-in ends; "drip": a head, then a byte now
            and then; "drop": the connection is closed without an answer.
        captured: The page is captured all the same, before the answer.
        refusal: A ``status_ext`` without "error:", said at the submission or, with
            ``at_job``, by the finished job.
        message: Goes with a refusal, or beside the job id.
        pending: Seconds until the job is done, on the wall clock.
        same_snapshot: The archive says that it has one already, with or without a job id.
        fields: Put into the status of a job that succeeded; None takes a field out.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    silence: Literal["", "hang", "drip", "drop"] = ""
    captured: bool = False
    refusal: str = ""
    at_job: bool = False
    message: str = ""
    pending: float = 0.0
    same_snapshot: Literal["", "job", "null"] = ""
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def raw(self) -> bool:
        """Whether it stands for any endpoint's answer, not only for a save's."""
        return self.status is not None or bool(self.silence)


def http(
    status: int, body: str = "", *, headers: Mapping[str, str] | None = None, captured: bool = False
) -> Plan:
    """A bare HTTP answer; a page as the archive's front servers send it, unless given."""
    page = (
        body or f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    )
    return Plan(
        status=status,
        headers={"Content-Type": "text/html; charset=utf-8"} | dict(headers or {}),
        body=page,
        captured=captured,
    )


def says(body: str, status: int = 200) -> Plan:
    """A JSON answer with that text."""
    return Plan(status=status, headers={"Content-Type": "application/json"}, body=body)


def hang(*, captured: bool = False) -> Plan:
    """No answer, ever."""
    return Plan(silence="hang", captured=captured)


def drip() -> Plan:
    """A head at once, then a byte now and then, for ever."""
    return Plan(silence="drip")


def drop(*, captured: bool = False) -> Plan:
    """The connection ends without an answer."""
    return Plan(silence="drop", captured=captured)


def refuse(code: str, message: str = "", *, at_job: bool = False) -> Plan:
    """A refusal with a code, HTTP 200."""
    return Plan(refusal=code, message=message, at_job=at_job)


def pending(seconds: float = math.inf, *, message: str = "") -> Plan:
    """A job that takes its time, by default for ever."""
    return Plan(pending=seconds, message=message)


def same_snapshot(*, job: bool = False) -> Plan:
    """ "The same snapshot had been made": with the job's id, or naming nothing."""
    return Plan(same_snapshot="job" if job else "null")


def success_with(**fields: object) -> Plan:
    """A job that succeeds with these fields in its status."""
    return Plan(fields=fields)
