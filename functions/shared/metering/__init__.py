"""Metering: no turn starts without a hold under the cap, and no turn ends without its event (MONEY 9 and 10).

`holds` is the algorithm, pure; `spend` carries it out on Firestore and is the only writer of `spend/{month}`; `alerts`
tells of limits that are used.
"""

from functions.shared.metering.alerts import record_refusal, record_share
from functions.shared.metering.holds import Hold, Spend
from functions.shared.metering.spend import (
    add_unheld,
    agreed,
    current,
    reserve,
    set_credit_apart,
    settle,
    spend_path,
    sweep,
    terms_of,
    write_standing,
    write_terms,
)

__all__ = [
    "Hold",
    "Spend",
    "add_unheld",
    "agreed",
    "current",
    "record_refusal",
    "record_share",
    "reserve",
    "set_credit_apart",
    "settle",
    "spend_path",
    "sweep",
    "terms_of",
    "write_standing",
    "write_terms",
]
