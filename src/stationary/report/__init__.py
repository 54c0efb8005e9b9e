"""What a solution looks like: as text, in a notebook, and as a report in one HTML file."""

from ._environment import environment as environment
from ._show import as_html as as_html
from ._show import as_log as as_log
from ._show import as_text as as_text
from ._show import report as report
