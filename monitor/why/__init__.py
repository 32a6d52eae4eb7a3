"""Why something was, or was not, in a digest: `ask` collects what is known of it, `answer` judges that."""

from monitor.why.answers import Answer, Appearance, Facts, Line, Trial, answer, asked_site, same_title
from monitor.why.facts import ask, entry_of_text

__all__ = [
    "Answer",
    "Appearance",
    "Facts",
    "Line",
    "Trial",
    "answer",
    "ask",
    "asked_site",
    "entry_of_text",
    "same_title",
]
