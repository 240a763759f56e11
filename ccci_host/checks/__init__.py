"""Checks: pure functions of a recorded history. They import only words."""

from ccci_host.checks.finding import Answer, Finding, NoEvidenceError, printable
from ccci_host.checks.judgement import Judgement, judge
from ccci_host.checks.registry import Check, all_checks, check, checks_for, find_all

__all__ = [
    "Answer",
    "Check",
    "Finding",
    "Judgement",
    "NoEvidenceError",
    "all_checks",
    "check",
    "checks_for",
    "find_all",
    "judge",
    "printable",
]
