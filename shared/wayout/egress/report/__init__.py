"""Plan and outcomes in words: the outcome message, the Slack message, the lines of a terminal."""

from wayout.egress.report.fields import change_fields, intent_fields, outcome_fields, plan_fields
from wayout.egress.report.outcome import invalid, no_places, orphan, said, unneeded, unreadable, with_flags
from wayout.egress.report.path import Hop, hops
from wayout.egress.report.profile import profile_said
from wayout.egress.report.slack import slack
from wayout.egress.report.text import changes_said, counted, headline, lines, printable

__all__ = [
    "Hop",
    "change_fields",
    "changes_said",
    "counted",
    "headline",
    "hops",
    "intent_fields",
    "invalid",
    "lines",
    "no_places",
    "orphan",
    "outcome_fields",
    "plan_fields",
    "printable",
    "profile_said",
    "said",
    "slack",
    "unneeded",
    "unreadable",
    "with_flags",
]
