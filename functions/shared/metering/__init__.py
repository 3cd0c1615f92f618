"""Metering: no turn starts without a hold under the cap, and no turn ends without its event (MONEY 9 and 10).

`limits` says how much room there is and `holds` is the algorithm, both pure; `spend` carries it out on Firestore and is the
only writer of `spend/{month}`; `terms` is what an account has agreed, `apart` what earlier months still take of credit and
trial; `alerts` tells of limits that are used.
"""

from functions.shared.metering.alerts import record_refusal, record_share
from functions.shared.metering.apart import invoiced_at_most, rounding_at_most
from functions.shared.metering.limits import Hold, Spend
from functions.shared.metering.spend import (
    add_unheld,
    current,
    reserve,
    seen_terms,
    set_apart,
    settle,
    spend_path,
    sweep,
    terms_of,
    under,
    write_standing,
    write_terms,
)
from functions.shared.metering.terms import agreed

__all__ = [
    "Hold",
    "Spend",
    "add_unheld",
    "agreed",
    "current",
    "invoiced_at_most",
    "record_refusal",
    "record_share",
    "reserve",
    "rounding_at_most",
    "seen_terms",
    "set_apart",
    "settle",
    "spend_path",
    "sweep",
    "terms_of",
    "under",
    "write_standing",
    "write_terms",
]
