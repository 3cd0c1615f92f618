"""What every figure means, for the console to show beside it: made from the objects that compute the figures."""

from functions.analytics import metrics
from functions.analytics.benchmarks import COMPARISONS
from functions.analytics.models import Definition

DEFINITIONS = [
    *(Definition(name=one.name, unit=one.unit, definition=one.definition) for one in metrics.METRICS),
    *(Definition(name=one.name, unit=one.unit, definition=one.definition) for one in COMPARISONS),
]
