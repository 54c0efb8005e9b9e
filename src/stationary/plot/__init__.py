"""Small charts as SVG text: lines, dots, intervals and bars, made here and of nothing else."""

from ._chart import Chart as Chart
from ._chart import stylesheet as stylesheet
from ._figures import bars as bars
from ._figures import line as line
from ._figures import scatter as scatter
from ._front import front as front
from ._marks import Series as Series
from ._markup import Markup as Markup
from ._phase_portrait import phase_portrait as phase_portrait
from ._vacuum import mass_spectrum as mass_spectrum
from ._vacuum import potential_profile as potential_profile
from ._words import compact as compact
