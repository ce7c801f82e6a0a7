"""A file of figures in which what was measured is written anew and what people wrote stays.

Each measurement has a section between two comments, which a reader of the page does not see:

    <!-- measured: NAME -->
    <!-- /measured: NAME -->

Pure: text in, text out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from deploy.bench.report import Report
from domains.errors import EntenteError


def rewritten(text: str, reports: Sequence[Report], how: str) -> str:
    """The text with the sections of these reports as measured now, and nothing else changed.

    Args:
        how: one sentence above the tables: where and with what they were measured.

    Raises:
        EntenteError: the file has no section of that name, or more than one.
    """
    for report in reports:
        begin, end = f"<!-- measured: {report.name} -->", f"<!-- /measured: {report.name} -->"
        section = f"{begin}\n{how}\n\n{report.body()}{end}"
        found = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
        text, count = found.subn(lambda _, section=section: section, text)  # type: ignore[misc]
        if count != 1:
            raise EntenteError(
                f"{count} sections for the figures of {report.name}; there must be one, between "
                f"{begin} and {end}"
            )
    return text
