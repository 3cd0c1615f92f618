"""Where a stack listens."""

from local.supervisor.addresses import Addresses
from local.supervisor.plan import Plan
from tests.engines import ROOT


def test_only_the_gateway_listens_for_other_machines() -> None:
    plan = Plan.read(ROOT / "infra" / "catalogue.yaml", ROOT)
    addresses = Addresses.choose(plan, 0, {}, "0.0.0.0")
    try:
        assert addresses.gateway.getsockname()[0] == "0.0.0.0"
        assert {front.getsockname()[0] for front in addresses.fronts.values()} == {"127.0.0.1"}
        assert addresses.public.startswith("http://localhost:")
    finally:
        addresses.close()


def test_nothing_listens_for_other_machines_unless_asked() -> None:
    addresses = Addresses.choose(Plan.read(ROOT / "infra" / "catalogue.yaml", ROOT), 0, {})
    try:
        assert addresses.gateway.getsockname()[0] == "127.0.0.1"
    finally:
        addresses.close()
